// What the model does not read of a text: nothing before a model is open, the count once it is, of the model that answered; captions summed up.
import { expect, test } from 'vitest';
import { en } from '../../src/ui/messages.ts';
import { sumCaptions } from '../../src/ui/photos/captions-sum.ts';
import { Reading } from '../../src/ui/state/reading.svelte.ts';
import { FakeStudio } from './fake-studio.ts';

const long = 'octopus '.repeat(81);
class Counting extends FakeStudio {
  asked: string[] = [];
  override tokens(text: string) {
    this.asked.push(text);
    return super.tokens(text);
  }
}

test('before a model is open nothing is said, then how many words are not read', async () => {
  const studio = new Counting();
  let model: string | null = null;
  const reading = new Reading(studio, () => model);
  await reading.ask([long]);
  expect([reading.cut(long), studio.asked]).toEqual([null, []]);
  model = 'demo';
  expect(reading.cut(long)).toBe(null);
  await reading.ask([long, 'a toy', long]);
  expect([reading.cut(long), reading.cut('a toy')]).toEqual([6, 0]);
  expect(studio.asked.length).toBe(2); // each text once
  expect(en.words.cut('caption', 6)).toBe('The caption is too long: the last 6 words are not read.');
  expect([reading.chunks(long), reading.chunks('a toy'), reading.chunks('never asked')]).toEqual([2, 1, null]);
  expect(en.words.chunks(2)).toBe('Read in 2 parts of 75 tokens, one after the other.');
});

test('another model is asked again, and an answer from a model that was exchanged meanwhile is not kept', async () => {
  const studio = new Counting({ delayMs: 1 });
  let model = 'demo';
  const reading = new Reading(studio, () => model);
  const ask = reading.ask([long]);
  model = 'sd15';
  await ask;
  expect(reading.cut(long)).toBe(null);
  await reading.ask([long]);
  expect(reading.cut(long)).toBe(6);
  model = 'demo';
  expect(reading.cut(long)).toBe(null);
  await reading.ask([long]);
  expect(reading.cut(long)).toBe(6);
});

test('a studio that cannot answer is asked again later', async () => {
  class Closed extends Counting {
    closed = true;
    override tokens(text: string) {
      return this.closed ? Promise.reject(new Error('no model')) : super.tokens(text);
    }
  }
  const studio = new Closed();
  const reading = new Reading(studio, () => 'demo');
  await reading.ask([long]);
  expect(reading.cut(long)).toBe(null);
  studio.closed = false;
  await reading.ask([long]);
  expect(reading.cut(long)).toBe(6);
});

test('captions together: those without the name, those that are cut, those that are the name sentence', () => {
  const cut = (text: string) => (text === 'unknown' ? null : Math.max(0, text.split(' ').length - 5));
  const captions = ['', 'aawxbc toy on a rock', 'a toy', 'one two three four five six seven', 'unknown', ' '];
  expect(sumCaptions(captions, { name: 'aawxbc', noun: 'toy' }, cut)).toEqual({
    nameless: 3,
    cut: 1,
    wordsCut: 2,
    plain: 2,
  });
  expect(sumCaptions(captions, { name: 'aawxbc', noun: '' }, cut).nameless).toBe(0); // no whole name yet: nothing is said
  expect(en.words.captionsCut(2, 9)).toBe('2 captions are too long: 9 words are not read.');
  expect(en.words.captionsCut(1, 2)).toBe('1 caption is too long: the last 2 words are not read.');
  expect(en.words.namelessAll(3, 6, 'aawxbc toy')).toContain('3 captions of 6 do not say “aawxbc toy”');
});
