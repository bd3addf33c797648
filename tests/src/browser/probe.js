// Looks at a page from within, and leaves what it found as the text of the page.
(() => {
  const parse = (text) => {
    const found = text.match(/rgba?\(([^)]+)\)/);
    if (!found) return null;
    const [r, g, b, a = 1] = found[1].split(/[\s,\/]+/).map(Number);
    return { r, g, b, a };
  };
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour && colour.a > 0) return colour;
    }
    return { r: 255, g: 255, b: 255, a: 1 };
  };
  const faint = [];
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    if (element.closest("svg, script")) continue;
    const [a, b] = [parse(getComputedStyle(element).color), behind(element)].map(light).sort((x, y) => y - x);
    texts += 1;
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(walker.currentNode.data.trim().slice(0, 40));
  }
  const words = (element) => element.textContent.replace(/\s+/g, " ").trim();
  const all = (selector) => [...document.querySelectorAll(selector)];
  const wide = all("body *").filter((element) => {
    const right = element.getBoundingClientRect().right;
    return right > innerWidth + 1 && !element.closest(".scroll, .skip, .sr, svg, thead");
  }).map((element) => element.outerHTML.slice(0, 80));
  const found = {
    width: innerWidth,
    scroll: document.documentElement.scrollWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    background: getComputedStyle(document.body).backgroundColor,
    texts, faint, wide,
    figures: all(".figures > div").map((div) => [words(div.children[0]), words(div.children[1])]),
    rows: all("#rows tbody tr").map((row) => [...row.children].map(words)),
    flows: all("#flows tbody tr").map((row) => [...row.children].map(words)),
    stages: all("#stages .hit").map((stage) => [words(stage.querySelector("code")), words(stage.querySelector(".count"))]),
    hosts: all("#hosts tbody tr").map((row) => [...row.children].map(words)),
    changes: all("#answer tbody tr").map((row) => [...row.children].map(words)),
    headings: all("h2").map(words),
  };
  const text = JSON.stringify(found).replace(/[^\x20-\x7e]|[&<>]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  document.body.innerHTML = "";
  document.body.textContent = "PROBE" + text + "PROBE";
})();
