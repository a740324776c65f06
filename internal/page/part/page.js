// Renews what is marked by data-live every five seconds. Everything works without it.
"use strict";
(() => {
  const live = document.querySelectorAll("[data-live]");
  if (live.length === 0) return;
  let paused = false;
  const note = document.getElementById("live");
  if (note) {
    const button = note.querySelector("button");
    note.hidden = false;
    button.addEventListener("click", () => {
      paused = !paused;
      button.textContent = paused ? "Go on" : "Pause";
    });
  }
  // What is in use stays: a row with the focus, a text that is being marked.
  const inUse = (part) => part.contains(document.activeElement) ||
    (!document.getSelection().isCollapsed && part.contains(document.getSelection().anchorNode));
  const renew = async () => {
    if (paused || document.hidden) return;
    const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") return location.reload(); // the session is over
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      if (!next || inUse(part)) continue;
      const open = [...part.querySelectorAll("details")].map((d) => d.open);
      next.querySelectorAll("details").forEach((d, i) => { d.open = Boolean(open[i]); });
      if (!part.isEqualNode(next)) part.replaceWith(document.adoptNode(next));
    }
  };
  const go = () => renew().catch(() => {}).finally(() => setTimeout(go, 5000));
  setTimeout(go, 5000);
})();
