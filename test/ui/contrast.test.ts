// In: tokens.css. Out: every pair of colours that text or a control is made of, with its WCAG contrast, in both themes.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const css = readFileSync(new URL('../../src/ui/tokens.css', import.meta.url), 'utf8');
const tokens = new Map(
  [...css.matchAll(/--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/gi)].map(([, name, light, dark]) => [
    name!,
    { light: light!, dark: dark! },
  ]),
);
type Theme = 'light' | 'dark';

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
function contrast(theme: Theme, front: string, back: string): number {
  const [a, b] = [front, back].map((name) => luminance(tokens.get(name)![theme])).sort((x, y) => y - x);
  return (a! + 0.05) / (b! + 0.05);
}

const surfaces = ['ground', 'panel', 'mat', 'raised', 'accent-bg'];
const texts = ['ink', 'ink2', 'ink3', 'accent', 'danger'];
/** UX §9's table, text on surfaces in the order above. */
const table: Record<Theme, number[][]> = {
  dark: [
    [16.2, 15.0, 17.3, 13.1, 13.2],
    [9.0, 8.3, 9.6, 7.3, 7.3],
    [6.2, 5.7, 6.6, 5.0, 5.0],
    [9.0, 8.3, 9.6, 7.3, 7.3],
    [8.3, 7.7, 8.9, 6.8, 6.8],
  ],
  light: [
    [15.7, 17.3, 13.7, 14.4, 14.3],
    [7.2, 8.0, 6.3, 6.6, 6.6],
    [5.3, 5.8, 4.6, 4.9, 4.8],
    [5.8, 6.3, 5.0, 5.3, 5.2],
    [6.4, 7.0, 5.6, 5.9, 5.8],
  ],
};

describe.each(['dark', 'light'] as const)('%s', (theme) => {
  test('every text is readable on every surface, as the table says', () => {
    texts.forEach((text, row) => {
      surfaces.forEach((surface, column) => {
        const value = contrast(theme, text, surface);
        expect(value, `${text} on ${surface}`).toBeGreaterThanOrEqual(4.5);
        expect(Math.abs(value - table[theme][row]![column]!), `${text} on ${surface}: ${value}`).toBeLessThanOrEqual(
          0.06,
        );
      });
    });
  });
  test.each([
    ['on-accent', 'accent'],
    ['ink', 'danger-bg'],
    ['danger', 'danger-bg'],
  ])('%s on %s', (front, back) => {
    expect(contrast(theme, front, back)).toBeGreaterThanOrEqual(4.5);
  });
  test.each(surfaces)('the edge of controls and the focus ring on %s', (surface) => {
    expect(contrast(theme, 'edge', surface)).toBeGreaterThanOrEqual(3);
    expect(contrast(theme, 'accent', surface)).toBeGreaterThanOrEqual(3);
  });
});

test('control: black on black fails', () => {
  expect(luminance('#000000')).toBe(0);
  expect(luminance('#ffffff')).toBeCloseTo(1);
});
