// A text that is being typed in; the open model's reading of it asked for once typing rests, or a model has just been opened.
import type { Reading } from '../state/reading.svelte.ts';

const restMs = 300;

/** To be called while a component is made. */
export function askAtRest(reading: Reading, text: () => string): void {
  $effect(() => {
    const texts = [text()];
    if (!reading.open) return;
    const timer = setTimeout(() => void reading.ask(texts), restMs);
    return () => clearTimeout(timer);
  });
}
