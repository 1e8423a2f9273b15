/** @file What is wrong with the layout of a page, as a reader would see it: text that runs out of the window or of its picture, boxes
 *  that hide a part of what they hold, text over text. */
import type { Page } from "playwright-core";

/** Runs in the page. Rounding of a pixel is no fault. */
const FIND_FAULTS = `(() => {
  const slack = 2;
  const faults = [];
  const shown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const pieces = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.data.trim() === "" || !shown(node.parentElement)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const picture = node.parentElement.closest("svg")?.getBoundingClientRect();
    for (const { left, right, top, bottom } of range.getClientRects()) {
      if (right - left < 1 || bottom - top < 1) continue;
      const text = node.data.trim().slice(0, 50);
      if (left < -slack || right > innerWidth + slack) faults.push("outside of the window: " + text);
      if (picture && (left < picture.left - slack || right > picture.right + slack || top < picture.top - slack || bottom > picture.bottom + slack))
        faults.push("outside of its picture: " + text);
      // The line box is taller than the letters.
      const inset = (bottom - top) * 0.2;
      pieces.push({ text, node, left, right, top: top + inset, bottom: bottom - inset });
    }
  }
  pieces.sort((a, b) => a.top - b.top);
  for (let i = 0; i < pieces.length; i++)
    for (let j = i + 1; j < pieces.length && pieces[j].top < pieces[i].bottom; j++) {
      const [a, b] = [pieces[i], pieces[j]];
      if (a.node !== b.node && Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack)
        faults.push("text over text: " + a.text + " | " + b.text);
    }
  for (const element of document.querySelectorAll("main *, .bar")) {
    if (!(element instanceof HTMLElement) || !shown(element) || getComputedStyle(element).display === "inline") continue;
    if (element.scrollWidth > element.clientWidth + slack && element.clientWidth > 0)
      faults.push("wider than its box: " + element.tagName + " " + element.className + ": " + element.textContent.trim().slice(0, 50));
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is wider than the window");
  return faults;
})()`;

/** Faults of the page as it is shown; none is how it should be. */
export async function layoutFaults(page: Page): Promise<readonly string[]> {
  return page.evaluate(FIND_FAULTS);
}
