// A button on each piece of JSON that copies it, also of those that come later.
"use strict";
document.addEventListener("toggle", (event) => {
  if (!event.target.open) return;
  for (const text of event.target.querySelectorAll("pre")) {
    if (text.parentElement.querySelector("button.copy")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    text.before(button);
  }
}, true);
