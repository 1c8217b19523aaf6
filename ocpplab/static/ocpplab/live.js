// Keeps the parts of a page marked data-live current: fetches the page again every two
// seconds and puts the new parts, found by id, in the place of the old ones.
"use strict";
(() => {
  const PERIOD = 2000;

  const isHeld = (part) => {
    const selection = getSelection();
    return (
      part.contains(document.activeElement) ||
      (!selection.isCollapsed && part.contains(selection.anchorNode))
    );
  };

  const renew = (page) => {
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh || isHeld(part)) continue;
      for (const open of part.querySelectorAll("details[open]")) {
        const same = fresh.querySelector(`#${CSS.escape(open.id)}`);
        if (same) same.open = true;
      }
      if (fresh.outerHTML !== part.outerHTML) part.replaceWith(document.adoptNode(fresh));
    }
  };

  const refresh = async () => {
    if (!document.hidden) {
      try {
        const response = await fetch(location.href, { headers: { "X-Live": "1" } });
        if (response.redirected) return; // signed out, or what it shows is gone
        if (response.ok) {
          renew(new DOMParser().parseFromString(await response.text(), "text/html"));
        }
      } catch {
        // The server does not answer: the next round may find it again.
      }
    }
    setTimeout(refresh, PERIOD);
  };

  if (document.querySelector("[data-live]")) setTimeout(refresh, PERIOD);
})();
