// The page's entry: one studio (the worker's client), one App.
import '@fontsource-variable/instrument-sans';
import './ui/tokens.css';
import { mount } from 'svelte';
import App from './ui/App.svelte';
import { StudioClient } from './worker/client.ts';

mount(App, { target: document.getElementById('app')!, props: { studio: new StudioClient() } });
