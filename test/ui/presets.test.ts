// UX §4's table, number by number, and how settings travel as text.
import { describe, expect, test } from 'vitest';
import { en } from '../../src/ui/messages.ts';
import { knobsFor, knobText, pasteSettings, readKnob, settingsJson } from '../../src/ui/train/knobs.ts';
import {
  changedSettings,
  keptAsideFor,
  presetSettings,
  previewSteps,
  recipeIds,
  stepsOf,
} from '../../src/ui/train/presets.ts';
import { runMs, seconds, span } from '../../src/ui/train/time-left.ts';

describe('presets', () => {
  test.each([
    ['quick', 5, 200],
    ['quick', 7, 300],
    ['quick', 30, 400],
    ['balanced', 5, 500],
    ['balanced', 7, 700],
    ['balanced', 30, 1200],
    ['thorough', 5, 1000],
    ['thorough', 7, 1400],
    ['thorough', 30, 2400],
  ] as const)('%s with %i photos takes %i steps', (id, photos, steps) => {
    expect(presetSettings(id, photos, 'sd15', 512).steps).toBe(steps);
  });
  test('every preset ends on a preview', () => {
    for (const id of recipeIds)
      for (let photos = 1; photos <= 40; photos++) {
        const { steps, previewEvery } = presetSettings(id, photos, 'sd15', 512);
        expect(steps % previewEvery).toBe(0);
      }
  });
  test('rates, ranks and schedules', () => {
    expect(presetSettings('quick', 7, 'sd15', 512)).toMatchObject({
      learningRate: 2e-4,
      schedule: 'constant',
      rank: 4,
      alpha: 4,
      previewEvery: 100,
    });
    expect(presetSettings('balanced', 7, 'sd15', 512)).toMatchObject({
      learningRate: 1e-4,
      schedule: 'constant',
      rank: 8,
      alpha: 8,
      warmupSteps: 0,
    });
    expect(presetSettings('thorough', 7, 'sd15', 512)).toMatchObject({
      learningRate: 1e-4,
      schedule: 'cosine',
      rank: 16,
      warmupSteps: 70,
      previewEvery: 200,
    });
    expect(presetSettings('diffusers', 20, 'sd15', 512)).toMatchObject({
      steps: 500,
      learningRate: 1e-4,
      rank: 4,
      keptAside: 0,
    });
    expect(presetSettings('kohya-like', 7, 'sd15', 512)).toMatchObject({
      learningRate: 2e-4,
      schedule: 'cosine',
      rank: 16,
      alpha: 8,
    });
  });
  test('the guide is its command line: 50 epochs over as many items as there are class pictures', () => {
    expect(presetSettings('guide', 7, 'sd15', 512)).toMatchObject({
      ...{ steps: 5000, epochs: 50, classPictures: 100, priorWeight: 1, optimizer: 'adamw8bit', schedule: 'constant' },
      ...{ rank: 4, alpha: 4, batch: 1, accumulate: 1, keptAside: 0, activations: 'f16', recompute: 'on' },
    });
    expect(presetSettings('guide', 7, 'demo', 128)).toMatchObject({
      steps: 500,
      classPictures: 10,
      learningRate: 1e-3,
    });
  });
  test('epochs say how many steps: of the photos that are learned from, or of the class pictures where they are more', () => {
    const by = { ...presetSettings('balanced', 9, 'sd15', 512), epochs: 4 };
    expect(stepsOf(by, 9)).toBe(4 * 8); // one is kept aside
    expect(stepsOf({ ...by, batch: 3, accumulate: 2 }, 9)).toBe(4 * 2); // three batches, two groups
    expect(stepsOf({ ...by, classPictures: 20 }, 9)).toBe(4 * 20);
    expect(stepsOf({ ...by, epochs: 0 }, 9)).toBe(by.steps);
  });
  test('the demo model gets the recipe whose pictures show the subject', () => {
    expect(presetSettings('balanced', 8, 'demo', 128)).toMatchObject({
      steps: 300,
      learningRate: 2e-3,
      rank: 8,
      alpha: 8,
      schedule: 'constant',
      previewEvery: 50,
    });
  });
  test('memory: a large model is trained in 16 bits at its own resolution', () => {
    expect(presetSettings('balanced', 7, 'sd15', 512)).toMatchObject({
      resolution: 512,
      weights: 'f16',
      activations: 'f16',
    });
    expect(presetSettings('balanced', 7, 'demo', 128)).toMatchObject({ resolution: 128, activations: 'f32' });
  });
  test('photos kept aside', () => {
    expect([1, 5, 6, 14, 15, 24, 25, 30].map(keptAsideFor)).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  });
  test('what differs from a preset', () => {
    const base = presetSettings('balanced', 7, 'sd15', 512);
    expect(changedSettings({ ...base, rank: 4, alpha: 4 }, base)).toEqual(['rank', 'alpha']);
  });
  test('preview steps', () => {
    expect(previewSteps(700, 100)).toEqual([0, 100, 200, 300, 400, 500, 600, 700]);
    expect(previewSteps(250, 100)).toEqual([0, 100, 200, 250]);
    expect(previewSteps(250, 0)).toEqual([0, 250]);
  });
});

describe('settings as text', () => {
  const base = presetSettings('balanced', 7, 'sd15', 512);
  const knobs = knobsFor([256, 384, 512]);
  test('every setting has one field', () => {
    expect(knobs.map((knob) => knob.key).sort()).toEqual(Object.keys(base).sort());
  });
  test('the defaults lie within their own limits', () => {
    for (const knob of knobs) expect(readKnob(knob, knobText(base[knob.key]))).toEqual({ value: base[knob.key] });
  });
  test('copied and pasted they are the same', () => {
    const thorough = presetSettings('thorough', 20, 'sd15', 512);
    expect(pasteSettings(settingsJson(thorough), base, knobs)).toEqual({ settings: thorough, ignored: [] });
  });
  test('numbers are read as people write them, as in every field: 1,0e-4 is 0.0001 (was 0.001), 0,01 is 0.01 (was 1)', () => {
    expect(pasteSettings('{"learningRate": "1,0e-4", "weightDecay": "0,01", "steps": "700"}', base, knobs)).toEqual({
      settings: { ...base, learningRate: 1e-4, weightDecay: 0.01, steps: 700 },
      ignored: [],
    });
    expect(pasteSettings('{"alpha": 1.234, "clip": 1.125}', base, knobs)).toMatchObject({
      settings: { alpha: 1.234, clip: 1.125 },
    });
  });
  test('what cannot be used is named', () => {
    expect(pasteSettings('steps: 5', base, knobs)).toEqual({ bad: 'JSON' });
    const refused = (text: string) => {
      const pasted = pasteSettings(text, base, knobs);
      return 'refusal' in pasted ? en.train.pasteBad(pasted.bad, pasted.refusal, pasted.given) : pasted;
    };
    expect(refused('{"rank": 4.5}')).toBe('“rank”: A whole number from 1 to 128. Nothing was changed.');
    expect(refused('{"rank": null}')).toContain('“null” is not a number.');
    expect(refused('{"rank": ""}')).toContain('A whole number from 1 to 128.');
    expect(refused('{"steps": "1,000"}')).toBe(
      '“steps”: “1,000” can mean 1000 or 1. Write the one you mean. Nothing was changed.',
    );
    expect(refused('{"steps": "1.234"}')).toContain('can mean 1234 or 1.234. Write 1234.');
    expect(refused('{"steps": "1.000,5"}')).toContain('A whole number');
    expect(refused('{"schedule": "piecewise"}')).toContain(
      'One of constant, constant_with_warmup, linear, cosine, cosine_with_restarts, polynomial.',
    );
    expect(refused('{"resolution": 500}')).toContain('One of 256, 384, 512.');
    expect(pasteSettings('{"resolution": 384, "weights": "int8"}', base, knobs)).toEqual({
      settings: { ...base, resolution: 384, weights: 'int8' },
      ignored: [],
    });
    expect(pasteSettings('{"rank": 4, "network_module": "lora"}', base, knobs)).toEqual({
      settings: { ...base, rank: 4 },
      ignored: ['network_module'],
    });
  });
});

describe('time and size', () => {
  test('spans as a person says them', () => {
    expect(span(400)).toEqual({ value: 1, unit: 's', rest: 0 });
    expect(span(41_000)).toEqual({ value: 40, unit: 's', rest: 0 });
    expect(span(170_000)).toEqual({ value: 3, unit: 'min', rest: 0 });
    expect(span(130 * 60_000)).toEqual({ value: 2, unit: 'h', rest: 10 });
    expect(span(119 * 60_000)).toEqual({ value: 2, unit: 'h', rest: 0 });
  });
  test('a run takes longer than its steps alone', () => {
    const settings = presetSettings('balanced', 7, 'sd15', 512);
    expect(runMs(settings, 7, 620)).toBeGreaterThan(700 * 620);
    expect(runMs(settings, 7, 620)).toBeLessThan(700 * 620 * 1.6);
  });
  test('speeds', () => {
    expect([62, 620, 1400, 12_300].map(seconds)).toEqual(['0.06', '0.62', '1.4', '12']);
  });
});
