// Forms: buttons that copy, Ctrl+Enter that sends from anywhere in a form, and the same
// command at the other doors, kept in step with what is typed.
"use strict";
(() => {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = document.querySelector(button.dataset.copy).textContent;
    await navigator.clipboard.writeText(text);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1500);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) {
      const form = event.target.form;
      form.requestSubmit(form.querySelector("[type=submit].default"));
    }
  });

  const form = document.querySelector("form[data-doors]");
  if (!form) return;
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const typed = new FormData(form);
      typed.set("_doors", "1");
      const answer = await fetch(form.action, { method: "POST", body: typed });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("doors");
      if (fresh) document.getElementById("doors").replaceWith(fresh);
    }, 400);
  });
})();
