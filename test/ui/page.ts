// Mounts the page on the fake studio; options come from the address.
import '@fontsource-variable/instrument-sans';
import '../../src/ui/tokens.css';
import { mount } from 'svelte';
import App from '../../src/ui/App.svelte';
import { type FakeOptions, FakeStudio } from './fake-studio.ts';

const query = new URLSearchParams(location.search);
const studio = new FakeStudio({
  gpu: (query.get('gpu') ?? 'discrete') as FakeOptions['gpu'],
  delayMs: Number(query.get('delay') ?? 0),
  modelFails: query.has('modelFails'),
});
mount(App, { target: document.getElementById('app')!, props: { studio } });
