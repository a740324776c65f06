// Looks at the page as it is shown, and returns what stands in the way of those who
// hear it, tab through it, or see little (WCAG 2.2 AA, as far as a program can tell).
(() => {
  const wrong = [];
  const say = (rule, element) => wrong.push(rule + (element ? ": " + element.outerHTML.slice(0, 120) : ""));
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const name = (e) => {
    const by = (e.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
    const labels = e.labels ? [...e.labels].map((l) => l.textContent) : [];
    return (e.getAttribute("aria-label") || by.map((id) => document.getElementById(id)?.textContent || "").join(" ") ||
      labels.join(" ") || e.getAttribute("alt") || e.textContent).trim();
  };
  if (!document.documentElement.lang) say("no lang");
  if (!document.title.trim()) say("no title");
  for (const [selector, n] of [["main", 1], ["header", 1], ["h1", 1]]) {
    if (all(selector).length !== n) say("not just one " + selector);
  }
  let level = 0;
  for (const h of all("h1, h2, h3, h4, h5, h6").filter(shown)) {
    const next = Number(h.tagName[1]);
    if (next > level + 1) say("a level of headings is left out", h);
    if (!h.textContent.trim()) say("empty heading", h);
    level = next;
  }
  const ids = new Set();
  for (const e of all("[id]")) {
    if (ids.has(e.id)) say("id twice", e);
    ids.add(e.id);
  }
  for (const e of all("input:not([type=hidden]), select, textarea")) {
    if (![...(e.labels || [])].some((l) => l.textContent.trim())) say("no label", e);
  }
  for (const e of all("a[href], button, summary, img, nav, [role=region]")) if (!name(e)) say("no name", e);
  for (const e of all("section")) if (!name(e) || !e.getAttribute("aria-labelledby")) say("section without a name", e);
  for (const t of all("table")) {
    if (!t.querySelector("thead th[scope=col]")) say("table without headers", t);
    for (const th of t.querySelectorAll("th")) if (!th.getAttribute("scope")) say("th without scope", th);
  }
  for (const e of all("[aria-labelledby]")) {
    for (const id of e.getAttribute("aria-labelledby").split(/\s+/)) if (!document.getElementById(id)) say("aria-labelledby names nothing", e);
  }
  for (const e of all("[tabindex]")) if (e.tabIndex > 0) say("tabindex changes the order", e);
  for (const e of all("ul > *, ol > *")) if (e.tagName !== "LI") say("no list item", e);
  for (const e of all("*")) {
    if (e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX) && e.tabIndex < 0 &&
      !e.querySelector("a[href], button")) say("scrolls, and not by keyboard", e);
  }
  // Contrast (1.4.3): 4.5, or 3 for large text. 1.4.11: edges of fields 3.
  const parse = (c) => {
    const m = c.match(/[\d.]+/g).map(Number);
    return { r: m[0], g: m[1], b: m[2], a: m.length > 3 ? m[3] : 1 };
  };
  const light = ({ r, g, b }) => [r, g, b].map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const ground = (e) => {
    for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c; }
    return parse("rgb(255,255,255)");
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement;
    if (!n.textContent.trim() || !shown(e) || e.closest("option, script, .unseen")) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize);
    const need = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const is = ratio(parse(style.color), ground(e));
    if (is < need) say("contrast " + is.toFixed(2), e);
  }
  for (const e of all("input:not([type=hidden]), select, textarea").filter(shown)) {
    const is = ratio(parse(getComputedStyle(e).borderTopColor), ground(e.parentElement));
    if (is < 3) say("contrast of the edge " + is.toFixed(2), e);
  }
  for (const e of all("button, nav a").filter(shown)) { // 2.5.8
    const box = e.getBoundingClientRect();
    if (box.width < 24 || box.height < 24) say("target of " + box.width + " by " + box.height, e);
  }
  const scroll = document.documentElement;
  if (scroll.scrollWidth > scroll.clientWidth) say("scrolls sideways: " + scroll.scrollWidth + " of " + scroll.clientWidth);
  if (all("[style], style, [onclick], [onerror]").length) say("inline style or handler", all("[style], style, [onclick], [onerror]")[0]);
  return wrong;
})()
