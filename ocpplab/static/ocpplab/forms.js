// Forms: buttons that copy, Ctrl+Enter that sends from anywhere in a form, fields that
// find, and the same command at the other doors, kept in step with what is typed.
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

  // A filter of a list closes again, as a menu does.
  const close = (except) => {
    for (const open of document.querySelectorAll("details.filter[open]")) {
      if (open !== except) open.open = false;
    }
  };
  document.addEventListener("click", (event) => close(event.target.closest("details.filter")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.activeElement.closest("details.filter[open]")?.querySelector("summary").focus();
    close();
  });

  // What the admin's own scripts and the pages of queues leave without a name.
  const name = () => {
    for (const box of document.querySelectorAll(".select2-selection")) {
      const select = box.closest(".select2").previousElementSibling;
      const label = select?.labels?.[0]?.textContent.trim().replace(/:$/, "");
      if (!label) continue;
      box.setAttribute("aria-label", label);
      box.querySelector("[role=textbox]")?.setAttribute("aria-label", label);
    }
    for (const box of document.querySelectorAll(".action-select:not([aria-label])")) {
      box.setAttribute("aria-label", `Select ${box.value}`);
    }
    document.querySelector("#action-toggle:not([aria-label])")?.setAttribute("aria-label", "Select all");
  };
  name();
  window.django?.jQuery?.(name); // after the admin's own scripts

  // A field that leaves only the rows of a part, of a page that holds what is typed.
  const find = document.querySelector("input[data-find]");
  if (find) {
    const show = () => {
      const wanted = find.value.trim().toLowerCase();
      for (const table of document.querySelectorAll(`${find.dataset.find} tbody`)) {
        const group = table.closest("details");
        const all = group?.querySelector("summary").textContent.toLowerCase().includes(wanted);
        let found = 0;
        for (const row of table.rows) {
          row.hidden = !all && !row.textContent.toLowerCase().includes(wanted);
          found += !row.hidden;
        }
        if (!group) continue;
        group.hidden = !found;
        if (wanted) group.open = true;
      }
    };
    find.hidden = false;
    find.addEventListener("input", show);
    document.addEventListener("portal:changed", () => find.value && show());
  }

  const form = document.querySelector("form[data-doors]");
  if (!form) return;
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const typed = new FormData(form);
      typed.set("_doors", "1");
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: typed });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("doors");
      if (fresh) document.getElementById("doors").replaceWith(fresh);
    }, 400);
  });
})();
