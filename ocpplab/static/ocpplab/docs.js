// Opens the call that the address names, as /docs#/commands/commands_start_session does.
"use strict";
(() => {
  const [, tag, operation] = location.hash.split("/");
  if (!operation) return;
  const open = () => {
    const call = document.getElementById(`operations-${tag}-${operation}`);
    if (!call) return false;
    call.querySelector("button").click();
    call.scrollIntoView();
    return true;
  };
  const waiting = new MutationObserver(() => open() && waiting.disconnect());
  waiting.observe(document.body, { childList: true, subtree: true });
})();
