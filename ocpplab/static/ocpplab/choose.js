// Ticking chargers of a location: says how many are, and ticks all or none.
"use strict";
(() => {
  const form = document.querySelector("form.choose");
  const count = document.getElementById("chosen-count");
  if (!form || !count) return;
  const boxes = () => [...form.querySelectorAll("input[name=chargers]")];
  const show = () => {
    const ticked = boxes().filter((box) => box.checked).length;
    count.textContent = ticked
      ? `${ticked} charger${ticked === 1 ? "" : "s"}`
      : count.dataset.all;
  };
  form.querySelector(".picks").hidden = false;
  // On a phone the chargers come first, and the commands when they are asked for.
  if (matchMedia("(max-width: 767px)").matches) form.querySelector(".groups").open = false;
  for (const button of form.querySelectorAll("[data-pick]")) {
    button.addEventListener("click", () => {
      for (const box of boxes()) box.checked = button.dataset.pick === "all";
      show();
    });
  }
  form.addEventListener("change", show);
  addEventListener("pageshow", show); // the browser may have ticked some again
  show();
})();
