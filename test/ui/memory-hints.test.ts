// What the page says of its card, its storage and its sleep: when, and from what.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { en } from '../../src/ui/messages.ts';
import { Gpu } from '../../src/ui/state/gpu.svelte.ts';
import { Models } from '../../src/ui/state/models.svelte.ts';
import { Transfers } from '../../src/ui/state/transfers.svelte.ts';
import { presetSettings } from '../../src/ui/train/presets.ts';
import { newRun, withEvents } from '../../src/ui/train/run-view.ts';
import { span } from '../../src/ui/train/time-left.ts';
import type { GpuReport } from '../../src/worker/api.ts';
import { FakeStudio } from './fake-studio.ts';

afterEach(() => vi.unstubAllGlobals());

describe('that there may be a faster card', () => {
  const limits = {
    ...{ maxStorageBufferBindingSize: 1, maxBufferSize: 1 },
    ...{ maxComputeWorkgroupStorageSize: 1, maxComputeInvocationsPerWorkgroup: 1 },
  };
  const cards: Record<string, Pick<GpuReport, 'kind' | 'vendor'>> = {
    'Nvidia ampere': { kind: 'discrete', vendor: 'nvidia' },
    'AMD rdna-2': { kind: 'unknown', vendor: 'amd' },
    'AMD Radeon RX 6600': { kind: 'discrete', vendor: 'amd' },
    'Intel gen-12lp': { kind: 'integrated', vendor: 'intel' },
    'Apple metal-3': { kind: 'unknown', vendor: 'apple' },
    SwiftShader: { kind: 'software', vendor: 'google' },
    '': { kind: 'unknown', vendor: '' },
  };
  /** A page on this card, which remembers. */
  const kept = new Map<string, string>();
  async function page(name: string) {
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
    const studio = new FakeStudio();
    studio.inspect = async () => ({ name, architecture: '', features: [], limits, ...cards[name]! });
    const gpu = new Gpu(studio);
    await gpu.inspect();
    return gpu;
  }
  const [step, slowMs, quickMs] = [2.3e12, 9200, 900]; // 0.25 and 2.6 TFLOP/s

  test('is said of one that may be the built-in one, before any step', async () => {
    const said = await Promise.all(Object.keys(cards).map(async (name) => [name, (await page(name)).mayBeOther]));
    expect(said.filter(([, other]) => other).map(([name]) => name)).toEqual(['AMD rdna-2', 'Intel gen-12lp']);
  });

  test.each(['Nvidia ampere', ''])(
    'is said of %j once its steps run below 0.5 TFLOP/s, and kept for Model over a reload',
    async (name) => {
      kept.clear();
      const gpu = await page(name);
      gpu.timed(step, slowMs);
      expect(gpu.mayBeOther).toBe(true);
      expect((await page(name)).mayBeOther).toBe(true);
      expect((await page('AMD Radeon RX 6600')).mayBeOther).toBe(false); // the user has switched
      gpu.timed(step, quickMs);
      expect(gpu.mayBeOther).toBe(false);
      expect((await page(name)).mayBeOther).toBe(false);
    },
  );

  test.each(['Apple metal-3', 'SwiftShader'])('is never said of %s, which has no faster sibling', async (name) => {
    const gpu = await page(name);
    gpu.timed(step, slowMs);
    expect(gpu.mayBeOther).toBe(false);
  });

  test('is not said for the demo model’s steps, which wait for dispatches and not for arithmetic', async () => {
    const gpu = await page('Nvidia ampere');
    gpu.timed(9e9, 30);
    expect(gpu.mayBeOther).toBe(false);
  });
});

describe('what is stored', () => {
  async function refusedAfter(promised: boolean) {
    vi.stubGlobal('navigator', { storage: { persist: async () => promised } });
    const studio = new FakeStudio({ models: { full: { asksLicence: false } } });
    const models = new Models(studio);
    await models.refresh();
    await new Transfers(studio, models, () => {}).fetch('sd15');
    return models.refused;
  }
  test('persist() false is heard: it may be a private window, and the browser may clear it', async () => {
    expect(await refusedAfter(false)).toBe(true);
    expect(await refusedAfter(true)).toBe(false);
    expect(en.model.maybePrivate).toContain('private window');
  });
  test('Safari’s seven days are said there, and only there', () => {
    expect(en.model.notPersisted(true)).toContain('seven days');
    expect(en.model.notPersisted(false)).not.toContain('seven days');
  });
});

test('a run that stood still says for how long, all in all, until it was read', () => {
  let run = newRun('r', presetSettings('balanced', 7, 'demo', 128));
  run = withEvents(run, [{ kind: 'stood-still', ms: 40 * 60_000 }]);
  run = withEvents(run, [{ kind: 'stood-still', ms: 3 * 60_000 }]);
  expect(en.train.stoodStill(span(run.stoodStillMs))).toBe('Training stood still for 43 min.');
});

test('before training it is said that a hidden tab may stand still, in the browser’s own words', () => {
  expect(en.train.hidden('Chrome')).toContain('Chrome’s Energy Saver');
  expect(en.train.hidden('Firefox')).not.toContain('Chrome');
});
