// What the console gains where scripts run: the part that changes is refreshed, and keys work. Nothing here is needed.
"use strict";
(() => {
  const live = document.getElementById("live");
  const liveness = document.getElementById("liveness");
  const hold = document.getElementById("hold");
  let source = null;
  let isHeld = false;
  let later = 0;

  const say = (text) => { liveness.textContent = text; };

  // Whoever reads a detail, marks a text or stands in a field of it is not interrupted.
  const isBusy = () => {
    const marked = document.getSelection();
    if (marked && !marked.isCollapsed && live.contains(marked.anchorNode)) return true;
    const focus = document.activeElement;
    return live.contains(focus) && focus.matches("input, select, textarea, summary");
  };

  const show = (text) => {
    if (isBusy()) return;
    const open = [...live.querySelectorAll("details")].map((it) => it.open);
    const at = rows().findIndex((row) => row.classList.contains("here"));
    const focus = [...live.querySelectorAll("a, .scroll")].indexOf(document.activeElement);
    const across = [...live.querySelectorAll(".scroll")].map((it) => it.scrollLeft);
    live.innerHTML = text;
    const details = [...live.querySelectorAll("details")];
    if (details.length === open.length) details.forEach((it, n) => { it.open = open[n]; });
    live.querySelectorAll(".scroll").forEach((it, n) => { it.scrollLeft = across[n] || 0; });
    if (at >= 0) mark(at, false);
    if (focus >= 0) live.querySelectorAll("a, .scroll")[focus]?.focus({ preventScroll: true });
    say("Live, as of " + new Date().toLocaleTimeString() + ".");
  };

  const stop = () => { if (source) source.close(); source = null; };

  const follow = () => {
    stop();
    if (isHeld || document.hidden || !live) return;
    source = new EventSource("/console/live?page=" + encodeURIComponent(live.dataset.live));
    source.addEventListener("fragment", (event) => show(event.data));
    source.addEventListener("over", () => { stop(); say("No longer live: open the page again."); });
    source.addEventListener("later", (event) => {
      const [secs, ...why] = event.data.split(" ");
      later = Date.now() + Number(secs) * 1000;
      say(why.join(" ") + " Goes on at " + new Date(later).toLocaleTimeString() + ".");
    });
    source.addEventListener("error", () => {
      if (Date.now() < later) return;
      say(source && source.readyState === EventSource.CLOSED ? "Not live." : "Not live; trying again.");
    });
  };

  if (live && window.EventSource) {
    hold.hidden = false;
    hold.addEventListener("click", () => {
      isHeld = !isHeld;
      hold.textContent = isHeld ? "Go on" : "Hold";
      say(isHeld ? "Held." : "Live.");
      follow();
    });
    document.addEventListener("visibilitychange", follow);
    window.addEventListener("pagehide", stop);
    follow();
  }

  // A filter of words to choose from needs no button.
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
  });

  const rows = () => [...document.querySelectorAll("tr[data-row]")];

  function mark(at, scrolls) {
    const all = rows();
    if (!all.length) return;
    const place = Math.max(0, Math.min(at, all.length - 1));
    all.forEach((row, n) => row.classList.toggle("here", n === place));
    if (scrolls) all[place].scrollIntoView({ block: "nearest" });
  }

  let isGoing = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (isGoing) {
      isGoing = false;
      const target = document.querySelector('nav a[data-key="' + CSS.escape(event.key) + '"]');
      if (target) { event.preventDefault(); target.click(); }
      return;
    }
    const at = rows().findIndex((row) => row.classList.contains("here"));
    if (event.key === "j") mark(at + 1, true);
    else if (event.key === "k") mark(at < 0 ? 0 : at - 1, true);
    else if (event.key === "o" && at >= 0) {
      const link = rows()[at].querySelector("a.id") || rows()[at].querySelector("a");
      if (link) link.click();
    } else if (event.key === "g") isGoing = true;
    else if (event.key === "/") {
      const first = document.querySelector("[data-first]");
      if (first) { event.preventDefault(); first.focus(); }
    }
  });
})();
