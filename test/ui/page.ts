// Mounts the page on the fake studio; options come from the address.
import '@fontsource-variable/instrument-sans';
import '../../src/ui/tokens.css';
import { mount } from 'svelte';
import App from '../../src/ui/App.svelte';
import type { ModelListing } from '../../src/worker/api.ts';
import { doubt, fullBytes } from './fake-models.ts';
import { type FakeOptions, FakeStudio } from './fake-studio.ts';

const query = new URLSearchParams(location.search);
const theme = query.get('theme');
if (theme) document.documentElement.dataset.theme = theme;
const state: Record<string, Partial<ModelListing>> = {
  part: { storedBytes: 1.31e9, state: 'part', asksLicence: false },
  complete: { storedBytes: fullBytes, state: 'complete', asksLicence: false },
  doubted: { storedBytes: fullBytes, state: 'doubted', asksLicence: false, doubts: [doubt] },
};
const own: ModelListing = {
  id: 'own-dream',
  name: 'dreamy-v8-pruned.safetensors',
  source: 'dreamy-v8-pruned.safetensors',
  licence: 'as its author says',
  licenceUrl: null,
  asksLicence: false,
  bytes: 2.13e9,
  storedBytes: 2.13e9,
  state: 'complete',
  doubts: [],
};
const studio = new FakeStudio({
  gpu: (query.get('gpu') ?? 'discrete') as FakeOptions['gpu'],
  delayMs: Number(query.get('delay') ?? 0),
  modelFails: query.has('modelFails'),
  models: {
    full: state[query.get('full') ?? 'absent'],
    more: query.has('own') ? [own] : [],
    waits: query.has('waits'),
    differs: query.has('differs'),
    persisted: !query.has('unkept'),
    ...(query.has('cut') && { cutAt: Number(query.get('cut')) }),
  },
});
mount(App, { target: document.getElementById('app')!, props: { studio } });
