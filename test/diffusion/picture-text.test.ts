// In: texts as A1111, Forge and others write them into a PNG, and anything at all. Out: their settings; what we write comes back as it was.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PictureText, readPictureText, writePictureText } from '../../src/diffusion/picture-text.ts';
import { samplers } from '../../src/diffusion/samplers.ts';

const line = (avoid: RegExp) =>
  fc
    .string({ unit: 'grapheme', maxLength: 80 })
    .map((text) => text.replace(/[\p{Z}\p{C}]+/gu, ' ').trim())
    .filter((text) => !avoid.test(text));
/** What no text of this form can hold: words that are its own marks. */
const MARKS = /<lora:|^Negative prompt:/;
const picture: fc.Arbitrary<PictureText> = fc.record({
  prompt: line(MARKS),
  negativePrompt: line(MARKS),
  steps: fc.integer({ min: 1, max: 150 }),
  sampler: fc.constantFrom(...samplers),
  guidance: fc.double({ min: 0, max: 30, noNaN: true }).map((value) => Math.round(value * 100) / 100),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  clipSkip: fc.option(fc.integer({ min: 2, max: 24 }), { nil: undefined }),
  size: fc.constantFrom(128, 256, 512),
  model: line(/^$|^"/),
  loras: fc.array(
    fc.record({
      name: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/),
      strength: fc.integer({ min: -200, max: 200 }).map((n) => (n === 0 ? 0 : n / 100)),
    }),
    { maxLength: 3 },
  ),
});

test('whatever we write comes back', () => {
  fc.assert(
    fc.property(picture, (given) => {
      const { size: _, ...wanted } = given;
      expect(readPictureText(writePictureText(given))).toEqual(wanted);
    }),
    { numRuns: 1000 },
  );
});

test('the text is the one that A1111 reads', () => {
  const text = writePictureText({
    ...{ prompt: 'a photo of aawxbc toy', negativePrompt: 'blurry', steps: 20, sampler: 'dpm++2m', guidance: 7.5 },
    ...{ seed: 42, size: 512, model: 'Stable Diffusion 1.5', loras: [{ name: 'aawxbc-toy', strength: 0.85 }] },
  });
  expect(text).toBe(
    'a photo of aawxbc toy <lora:aawxbc-toy:0.85>\nNegative prompt: blurry\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Uniform, CFG scale: 7.5, Seed: 42, Size: 512x512, Model: Stable Diffusion 1.5',
  );
});

const tail = 'CFG scale: 7, Seed: 5, Size: 512x768, Model hash: 6ce0161689, Model: v1-5';
test.each([
  ['Sampler: Euler a', { sampler: 'euler-a' }],
  ['Sampler: DPM++ 2M Karras', { sampler: 'dpm++2m-karras' }], // before 1.9
  ['Sampler: DPM++ 2M, Schedule type: Karras', { sampler: 'dpm++2m-karras' }],
  ['Sampler: DPM++ 2M, Schedule type: Automatic', { sampler: 'dpm++2m-karras' }],
  ['Sampler: PLMS', { sampler: 'pndm' }],
  ['Sampler: DPM++ SDE, Schedule type: Karras', { otherSampler: 'DPM++ SDE' }],
])('%s', (sampler, expected) => {
  const read = readPictureText(`a cat\nSteps: 20, ${sampler}, ${tail}`);
  expect(read).toEqual({
    ...{ prompt: 'a cat', negativePrompt: '', loras: [], steps: 20, guidance: 7, seed: 5, model: 'v1-5' },
    ...expected,
  });
});

test('prompts over several lines, tags anywhere, commas in quotes, CRLF', () => {
  const text = `a cat,\r\n <lora:one:0.5>with a hat <lora:two>\r\nNegative prompt: dogs,\r\nrain\r\nSteps: 9, Sampler: Heun, Model: "a, b: c", ENSD: 31337, CFG scale: x`;
  expect(readPictureText(text)).toEqual({
    ...{ prompt: 'a cat, with a hat', negativePrompt: 'dogs, rain', steps: 9, model: 'a, b: c', otherSampler: 'Heun' },
    loras: [
      { name: 'one', strength: 0.5 },
      { name: 'two', strength: 1 },
    ],
  });
});

test('another text is none, and nothing throws', () => {
  expect(readPictureText('')).toBe(null);
  expect(readPictureText('{"prompt": {"1": {"class_type": "KSampler"}}}')).toBe(null); // ComfyUI's own
  expect(readPictureText('a cat\nwith: a, hat: b, rain: c')).toBe(null);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void readPictureText(text)));
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      readPictureText(`${text}\nSteps: 20, Sampler: ${text}, CFG scale: ${text}, Model: "${text}`);
    }),
  );
}, 60_000); // fast-check's own tables of Unicode take seconds on a busy machine
