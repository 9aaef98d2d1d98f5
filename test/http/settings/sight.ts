/** What keeps somebody from reading or using a page as it is shown: looked for in the browser, in the colours and boxes that it has worked out. */
import type { Page } from 'playwright-core';

/**
 * Text with too little contrast (WCAG 2.2 1.4.3: 4.5 to 1; 3 to 1 where it is large), borders of fields that hardly show (1.4.11: 3 to 1), buttons
 * and links too small to touch (2.5.8: 24 pixels), controls without a name, and pages wider than the screen.
 */
export function faultsOfSight(page: Page): Promise<string[]> {
  return page.evaluate(LOOK);
}

/** Runs in the browser. */
const LOOK = `(() => {
  const faults = new Set();
  const rgb = (color) => {
    const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
    return color.startsWith('color(') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(rgb(one)), luminance(rgb(other))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgb(color)[3] > 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const isSeen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && getComputedStyle(element).clipPath === 'none';
  const called = (element) => element.tagName.toLowerCase() + ' "' + (element.textContent.trim() || element.id).slice(0, 40) + '"';

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    const element = text.parentElement;
    if (text.data.trim() === '' || !isSeen(element)) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const large = parseFloat(fontSize) >= 24 || (parseFloat(fontSize) >= 18.66 && Number(fontWeight) >= 700);
    const ratio = contrast(color, groundOf(element));
    if (ratio < (large ? 3 : 4.5)) faults.add(called(element) + ' has contrast ' + ratio.toFixed(2));
  }
  for (const input of document.querySelectorAll('input:not([type=hidden], [type=checkbox])')) {
    if (!isSeen(input)) continue;
    const ratio = contrast(getComputedStyle(input).borderTopColor, groundOf(input.parentElement));
    if (ratio < 3) faults.add(called(input) + ' has a border of contrast ' + ratio.toFixed(2));
  }
  for (const control of document.querySelectorAll('a, button, summary, input:not([type=hidden])')) {
    if (!isSeen(control)) continue;
    const name = control.getAttribute('aria-label') || control.textContent.trim() || control.labels?.[0]?.textContent.trim();
    if (!name) faults.add(called(control) + ' has no name');
    const { width, height } = (control.type === 'checkbox' ? control.parentElement : control).getBoundingClientRect();
    if (width < 24 || height < 24) faults.add(called(control) + ' is ' + Math.round(width) + ' by ' + Math.round(height));
  }
  const { scrollWidth, clientWidth } = document.scrollingElement;
  if (scrollWidth > clientWidth) faults.add('the page is ' + scrollWidth + ' wide on a screen of ' + clientWidth);
  return [...faults];
})()`;
