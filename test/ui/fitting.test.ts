// What fits: cards and the mildest change for a smaller one, forecasts measured once, settings that wait for their model, words for what would fit.
import { describe, expect, test } from 'vitest';
import { outOfMemory, settingsWords, slowed } from '../../src/ui/messages/memory.ts';
import { trouble } from '../../src/ui/messages/trouble.ts';
import { Forecasts } from '../../src/ui/state/forecast.svelte.ts';
import { Run } from '../../src/ui/state/run.svelte.ts';
import { Setup } from '../../src/ui/state/setup.svelte.ts';
import { cardFor, lessMemory, lighter, lighterSettings } from '../../src/ui/train/lighter.ts';
import { presetSettings } from '../../src/ui/train/presets.ts';
import { fakeForecast } from './fake-forecast.ts';
import { FakeStudio } from './fake-studio.ts';
import { TrainingStudio } from './training-studio.ts';

const settings = presetSettings('balanced', 7, 'sd15', 512);
const sizes = [256, 384, 512];

describe('cards', () => {
  test('the smallest that has room', () => {
    expect([1.1e9, 1.7e9, 1.71e9, 3.4e9, 5e9, 30e9].map(cardFor)).toEqual([2, 2, 4, 4, 6, null]);
  });
  test('changes add up, what costs the picture least first', () => {
    expect(lighterSettings({ ...settings, activations: 'f32' }, sizes)).toEqual([
      { activations: 'f16' },
      { activations: 'f16', weights: 'int8' },
      { activations: 'f16', weights: 'int8', resolution: 384 },
      { activations: 'f16', weights: 'int8', resolution: 256 },
    ]);
    expect(lighterSettings({ ...settings, weights: 'int8', resolution: 256 }, sizes)).toEqual([]);
  });
  test('the mildest that fits a smaller card; none where the smallest is enough', () => {
    const peakOf = (other: typeof settings) => fakeForecast(other, null).peakGpuBytes;
    expect(lighter(settings, sizes, peakOf)).toMatchObject({ changes: { weights: 'int8' }, gigabytes: 2 });
    expect(lighter({ ...settings, weights: 'int8' }, sizes, peakOf)).toBeNull();
    expect(lighter(settings, sizes, () => null)).toBeNull();
    expect(lighter(settings, sizes, (other) => (other.resolution < 512 ? 1e9 : 2e9))).toMatchObject({
      changes: { weights: 'int8', resolution: 384 },
    });
  });
});

describe('out of memory in words', () => {
  test('settings as a person says them', () => {
    expect(settingsWords({ weights: 'int8', resolution: 384 })).toBe('int8 weights at 384 px');
    expect(settingsWords({ resolution: 256 })).toBe('256 px');
    expect(settingsWords({ activations: 'f16', recompute: 'on' })).toBe('f16 activations, low-memory mode');
  });
  test('the button says what it does and what that needs', () => {
    const facts = { neededBytes: 2.05e9, gotBytes: 1.4e9 };
    const fits = { settings: { weights: 'int8', resolution: 384 }, neededBytes: 0.98e9 };
    expect(trouble({ code: 'out-of-memory', facts: { ...facts, fits } })).toMatchObject({
      text: 'It needs 2.05 GB and the card gave 1.40 GB.',
      button: 'Use int8 weights at 384 px: needs 980 MB',
    });
    expect(trouble({ code: 'out-of-memory', facts: { ...facts, fits: null } }).button).toBe('Try again');
  });
});

describe('memory in words', () => {
  const on = { kind: 'computer', browser: 'Firefox', webkit: false } as const;
  test('a refusal below 256 MB on a computer blames the browser, not the card', () => {
    const words = outOfMemory({ neededBytes: 2.05e9, gotBytes: 64e6, fits: null }, on);
    expect(words.title).toBe('Firefox refused memory on the graphics card.');
    expect(words.text).toContain('It gave 64 MB of 2.05 GB, less than any card has.');
  });
  test('of more, and on a phone, it is the card’s', () => {
    const title = 'This does not fit in GPU memory.';
    expect(outOfMemory({ neededBytes: 2.05e9, gotBytes: 300e6, fits: null }, on).title).toBe(title);
    expect(outOfMemory({ neededBytes: 2.05e9, gotBytes: 64e6, fits: null }, { ...on, kind: 'phone' }).title).toBe(
      title,
    );
  });
  test('memory that the card borrows: what fits, with its bytes, from which step; a smaller size is a new run', async () => {
    const plain = { ...settings, activations: 'f16' } as const;
    const peakOf = async (other: typeof settings) => fakeForecast(other, null).peakGpuBytes;
    const less = await lessMemory({ ...plain, recompute: 'on' }, sizes, peakOf);
    expect(less.here?.changes).toEqual({ weights: 'int8' });
    expect(slowed.text(less, 40)).toBe(
      'The card is probably out of memory and borrowing the computer’s. With int8 weights it needs 1.19 GB instead of 1.99 GB; it goes on from step 40. At 384 px it needs 1.08 GB, but that is a new run.',
    );
    expect(slowed.text(less, 0)).toContain('it begins anew');
    const least = await lessMemory({ ...plain, recompute: 'on', weights: 'int8', resolution: 256 }, sizes, peakOf);
    expect([least.here, least.anew]).toEqual([null, null]);
    expect(slowed.text(least, 40)).toContain('Close other tabs');
  });
});

describe('setup', () => {
  test('a resolution waits until a model that has it is chosen again', () => {
    let model = { chosen: 'sd15', resolution: 512, sizes };
    const setup = new Setup(
      () => 7,
      () => model,
    );
    setup.apply({ weights: 'int8', resolution: 384 });
    expect(setup.settings).toMatchObject({ weights: 'int8', resolution: 384 });
    const stored = { ...setup.changes, preset: setup.preset };
    model = { chosen: 'demo', resolution: 128, sizes: [128] };
    const demo = new Setup(
      () => 7,
      () => model,
    );
    demo.restore(stored);
    expect(demo.settings).toMatchObject({ weights: 'int8', resolution: 128 });
    expect(demo.changes.resolution).toBe(384);
    expect(demo.paste('{"resolution": 512}')).toMatchObject({ bad: { key: 'resolution' } });
  });
});

describe('forecasts', () => {
  test('size and weights make another plan; a measured speed is asked for again', async () => {
    const studio = new FakeStudio({ measured: false });
    const forecasts = new Forecasts(studio);
    forecasts.ask(settings);
    forecasts.ask({ ...settings, weights: 'int8' });
    await expect.poll(() => forecasts.of({ ...settings, weights: 'int8' })).not.toBeNull();
    expect(forecasts.of(settings)!.peakGpuBytes).toBeGreaterThan(
      forecasts.of({ ...settings, weights: 'int8' })!.peakGpuBytes,
    );
    expect(forecasts.of(settings)!.msPerStep).toBeNull();
    const { version } = forecasts;
    await forecasts.measure(settings);
    expect(forecasts.version).toBe(version + 1);
    expect(forecasts.measuring).toBeNull();
    forecasts.ask(settings);
    await expect.poll(() => forecasts.of(settings)?.msPerStep).toBe(1480);
  });
  test('measuring gives way', async () => {
    const studio = new FakeStudio({ measured: false, delayMs: 20 });
    const forecasts = new Forecasts(studio);
    void forecasts.measure(settings);
    expect(forecasts.measuring).not.toBeNull();
    await forecasts.stopMeasuring();
    expect(forecasts.measuring).toBeNull();
    expect(forecasts.trouble).toBeNull();
  });
});

test('a developed picture takes its sketch’s place; one at a time', async () => {
  const studio = new TrainingStudio({ paceMs: 0, sketches: true });
  const run = new Run(studio);
  await run.start({
    runId: 'r',
    modelId: 'sd15',
    identifier: 'aawxbc',
    classNoun: 'toy',
    photos: [],
    settings: { ...settings, steps: 4, previewEvery: 2 },
  });
  expect(run.previews.map(({ step, picture }) => `${step} ${picture.kind}`)).toEqual([
    '0 sketch',
    '2 sketch',
    '4 sketch',
  ]);
  const developed = run.develop(2);
  await run.develop(4);
  await developed;
  expect(run.previews.map(({ step, picture }) => `${step} ${picture.kind}`)).toEqual([
    '0 sketch',
    '2 full',
    '4 sketch',
  ]);
  expect(run.developing).toBeNull();
});
