// Keeps a page current. The server tells which chargers have changed (server-sent
// events); then the parts marked data-live are fetched again, and those that differ, found
// by id, take the place of the old ones. Without such events it asks every few seconds; a
// page that nobody sees asks nothing.
//
//   data-live                  a part of this page, which has an id
//   data-live-chargers="URL"   holds an element for each charger, id "tile-<charger>":
//                              those that changed are asked for by ?ids=
//   data-events="URL"          where this page hears of changes
"use strict";
(() => {
  const POLL = 5000; // ms, without events
  const SLOW = 30000; // ms, with them: what no event tells, such as "2 minutes ago"
  const SHARE = 4; // times as long as a renewal takes, between two
  const AT_ONCE = 150; // chargers asked for by id; of more, all are
  const script = document.currentScript;
  const parts = () => document.querySelectorAll("[data-live]");
  const lists = () => document.querySelectorAll("[data-live-chargers]");
  if (!parts().length && !lists().length) return;

  // --- Renewing ------------------------------------------------------------------------

  const tags = new Map(); // the ETag of what was last fetched from each URL

  const fetchPage = async (url) => {
    const headers = { "X-Live": "1" };
    if (tags.has(url)) headers["If-None-Match"] = tags.get(url);
    const response = await fetch(url, { headers, cache: "no-store" });
    if (response.redirected) throw new Error("signed out");
    if (response.status === 304) return null;
    if (!response.ok) throw new Error(`status ${response.status}`);
    tags.set(url, response.headers.get("ETag"));
    return new DOMParser().parseFromString(await response.text(), "text/html");
  };

  // What somebody is typing in, or has marked with the mouse, stays as it is.
  const isHeld = (part) => {
    const active = document.activeElement;
    if (part.contains(active) && active !== part && !active.id) return true;
    const selection = getSelection();
    return !selection.isCollapsed && part.contains(selection.anchorNode);
  };

  const replace = (old, fresh) => {
    if (!fresh || isHeld(old)) return;
    for (const open of old.querySelectorAll("details[id]")) {
      const same = fresh.querySelector(`#${CSS.escape(open.id)}`);
      if (same) same.open = open.open;
    }
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const boxes = [...old.querySelectorAll("input[type=checkbox]")].map((b) => b.checked);
    if (fresh.outerHTML !== old.outerHTML) {
      old.replaceWith(document.adoptNode(fresh));
      fresh.querySelectorAll("input[type=checkbox]").forEach((box, index) => {
        box.checked = boxes[index] ?? false;
      });
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    }
  };

  const renewParts = async () => {
    if (!parts().length) return;
    const page = await fetchPage(location.href);
    if (!page) return;
    for (const part of parts()) replace(part, page.getElementById(part.id));
  };

  const renewList = async (list, changed) => {
    const ids = changed.filter((id) => document.getElementById(`tile-${id}`));
    if (changed.length && !ids.length) return; // none of those shown
    const url = new URL(list.dataset.liveChargers, location.href);
    if (ids.length && ids.length <= AT_ONCE) {
      url.searchParams.set("ids", ids.join(","));
      url.searchParams.delete("page");
    }
    const page = await fetchPage(url.href);
    if (!page) return;
    // Those that are gone, or no longer what was looked for; one that is ticked stays.
    const asked = url.searchParams.has("ids") ? ids.map((id) => document.getElementById(`tile-${id}`)) : [...list.children];
    for (const old of asked) {
      if (!page.getElementById(old.id) && !old.querySelector(":checked")) old.remove();
    }
    for (const fresh of page.querySelectorAll("[id^=tile-]")) {
      const old = document.getElementById(fresh.id);
      if (old) replace(old, fresh);
      else if (!ids.length) list.append(document.adoptNode(fresh));
    }
    if (ids.length) tags.delete(url.href);
  };

  // --- When ----------------------------------------------------------------------------

  let changed = new Set(); // ids of chargers
  let isDue = false; // whether anything is to be renewed,
  let isWhole = false; // and if so, everything
  let isRunning = false;
  let timer = 0;

  const wake = (ids) => {
    isDue = true;
    if (ids.length) ids.forEach((id) => changed.add(id));
    else isWhole = true;
    if (!isRunning) renew();
  };

  const renew = async () => {
    isRunning = true;
    while (isDue && !document.hidden) {
      const began = performance.now();
      const ids = isWhole ? [] : [...changed];
      isDue = isWhole = false;
      changed = new Set();
      try {
        await Promise.all([renewParts(), ...[...lists()].map((l) => renewList(l, ids))]);
        document.dispatchEvent(new CustomEvent("portal:changed", { detail: ids }));
        if (mark.dataset.state === "away") say(source ? "live" : "slow");
      } catch (error) {
        say(error.message === "signed out" ? "out" : "away");
      }
      // The slower the portal is, the longer it is left in peace.
      await new Promise((go) => setTimeout(go, SHARE * (performance.now() - began)));
    }
    isRunning = false;
    clearTimeout(timer);
    timer = setTimeout(() => wake([]), source?.readyState === 1 ? SLOW : POLL);
  };

  // --- Events --------------------------------------------------------------------------

  const SAID = {
    live: ["live", "This page follows what happens."],
    slow: ["every 5 s", "This page asks every few seconds."],
    away: ["no answer", "The portal does not answer; this page goes on asking."],
    out: ["signed out", "Sign in again to see more."],
  };
  const mark = document.createElement("span");
  mark.id = "live-mark";
  mark.setAttribute("role", "status");
  const say = (state) => {
    if (mark.dataset.state === state) return;
    mark.dataset.state = state;
    [mark.textContent, mark.title] = SAID[state];
  };
  say("slow");
  (document.querySelector(".breadcrumbs") ?? document.getElementById("branding"))?.append(mark);

  let source = null;
  const listen = () => {
    if (source || document.hidden || !("EventSource" in window)) return;
    const url = document.querySelector("[data-events]")?.dataset.events;
    source = new EventSource(url ?? script.dataset.events);
    source.onopen = () => {
      say("live");
      wake([]); // what happened in the meantime
    };
    source.onmessage = (event) => wake(JSON.parse(event.data));
    source.onerror = () => {
      const lost = source;
      if (lost.readyState !== 2) {
        // It connects again by itself; so it does where the server has ended it.
        setTimeout(() => source === lost && lost.readyState === 0 && say("away"), POLL);
        return;
      }
      source = null;
      say("slow");
      setTimeout(listen, SLOW);
    };
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
      source = null;
      clearTimeout(timer);
    } else {
      listen();
      wake([]);
    }
  });
  addEventListener("pagehide", () => source?.close());
  timer = setTimeout(() => wake([]), POLL);
  listen();
})();
