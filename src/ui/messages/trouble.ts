// Every trouble in words, in English: what happened, what was kept and what to do, and the one button.
import { bytes, count } from '../amounts.ts';
import type { Mishap } from '../state/studio.ts';

/** What happened; what was kept and what to do; the one button, when the page can do it. */
export interface TroubleWords {
  title: string;
  text: string;
  button: string | null;
}

export const trouble = (mishap: Mishap): TroubleWords => {
  switch (mishap.code) {
    case 'no-webgpu':
      return say(
        'This browser cannot use the graphics card.',
        'Chrome or Edge on a computer can.',
        'How to turn it on',
      );
    case 'no-adapter':
      return say(
        'No graphics card answered.',
        'The browser has WebGPU but offers no card, not even software drawing. It may be turned off in its settings.',
        'How to turn it on',
      );
    case 'device-lost':
      return mishap.facts.step === undefined
        ? say('The graphics card was reset.', 'Nothing you added is lost. Try again.', 'Try again')
        : say('The graphics card was reset.', `Nothing is lost; step ${count(mishap.facts.step)} is safe.`, 'Continue');
    case 'out-of-memory':
      return say(
        'This does not fit in GPU memory.',
        `It needs ${bytes(mishap.facts.neededBytes)}. Close other tabs or use a smaller rank.`,
        'Try again',
      );
    case 'file-damaged':
      return say(
        `“${mishap.facts.file}” is damaged.`,
        `Expected ${mishap.facts.expected}, found ${mishap.facts.got}. Nothing else is affected.`,
        'Fetch again',
      );
    case 'file-missing':
      return say(
        `“${mishap.facts.file}” could not be fetched.`,
        mishap.facts.status
          ? `The server answered ${mishap.facts.status}.`
          : 'You may be offline. What has arrived is kept.',
        'Try again',
      );
    case 'not-this-family':
      return say(
        'This is not a Stable Diffusion 1.x or 2.x checkpoint.',
        `${mishap.facts.key}: expected ${mishap.facts.expected}, found ${mishap.facts.got}.`,
        'Choose another',
      );
    case 'photo-unreadable':
      return say(unreadable(mishap.facts.file, mishap.facts.reason), 'The other photos are kept.', 'Leave out');
    case 'photo-too-small':
      return say(
        `Too small: ${mishap.facts.width} × ${mishap.facts.height} px.`,
        `At least ${mishap.facts.needs} px on the short side. The other photos are kept.`,
        'Leave out',
      );
    case 'no-photos':
      return say(
        'There are no photos yet.',
        'Add at least one; five work well. Everything else is kept.',
        'Choose photos',
      );
    case 'no-identifier':
      return say('The name is empty.', 'Type one, or take a made-up name.', 'Use a made-up name');
    case 'no-class-noun':
      return say('Say what it is.', 'One English noun, like toy or dog.', null);
    case 'prompt-too-long':
      return say(
        'The prompt is too long.',
        `The last ${mishap.facts.words === 1 ? 'word is' : `${mishap.facts.words} words are`} not read.`,
        null,
      );
    case 'adapter-mismatch':
      return say(
        'This adapter was made for another model.',
        `“${mishap.facts.file}”: expected ${mishap.facts.expected}, found ${mishap.facts.got}.`,
        'Choose another',
      );
    case 'numbers-ran-away':
      return say(
        `The numbers ran away at step ${count(mishap.facts.step)}.`,
        `Back at step ${count(mishap.facts.keptStep)}, the last good one. A lower learning rate usually cures it.`,
        'Continue at half the rate',
      );
    case 'disk-full':
      return say(
        'The disk is full.',
        `${bytes(mishap.facts.neededBytes)} are needed; this browser may store ${bytes(mishap.facts.freeBytes)} more. What is already stored is kept.`,
        'Try again',
      );
    case 'another-tab':
      return say(
        'Another tab is training.',
        'One tab uses the graphics card at a time. You can look around here meanwhile.',
        null,
      );
    case 'bad-setting':
      return say(
        `The setting “${mishap.facts.setting}” cannot be used.`,
        `Expected ${mishap.facts.expected}, found ${mishap.facts.got}.`,
        'Reset it',
      );
    case 'download-cut':
      return say(
        `The connection broke at ${bytes(mishap.facts.storedBytes)} of ${bytes(mishap.facts.totalBytes)}.`,
        'What arrived is kept; it goes on from there.',
        'Continue',
      );
    case 'hash-differs':
      return say(
        `“${mishap.facts.file}” is not the file we expected.`,
        `Its sha256 is ${mishap.facts.got}, expected was ${mishap.facts.expected}. It was kept aside.`,
        'Fetch again',
      );
    case 'model-incomplete':
      return say('A part of the model is missing.', `${bytes(mishap.facts.missingBytes)} must be fetched.`, 'Fetch it');
    case 'model-busy':
      return say('Another tab is getting this model.', 'Wait for it, or go on there.', 'Try again');
    case 'not-a-checkpoint':
      return say(
        'This is not a Stable Diffusion 1.x or 2.x checkpoint.',
        `“${mishap.facts.file}” is ${mishap.facts.kind}: ${mishap.facts.detail}.`,
        'Choose another',
      );
    case 'bug':
      return say(
        'Something went wrong in Darkroom.',
        'What you added is kept. Details can be copied for a report.',
        'Try again',
      );
  }
};

/** On the photo itself, where two short lines fit. */
export const unreadableShort = (mishap: Mishap): string => {
  if (mishap.code === 'photo-too-small') return `Too small: ${mishap.facts.width} × ${mishap.facts.height} px`;
  if (mishap.code !== 'photo-unreadable') return 'Cannot be read';
  return { 'not-an-image': 'Not an image', truncated: 'The file ends early', 'too-large': 'Too large' }[
    mishap.facts.reason
  ];
};

const say = (title: string, text: string, button: string | null): TroubleWords => ({ title, text, button });

function unreadable(file: string, reason: 'not-an-image' | 'truncated' | 'too-large'): string {
  if (reason === 'truncated') return `“${file}” ends early. Copy it again from where it came.`;
  if (reason === 'too-large') return `“${file}” is too large for this browser. Save it smaller.`;
  if (/\.hei[cf]$/i.test(file)) return `“${file}” cannot be read by this browser. Save it as JPEG.`;
  return `“${file}” is not an image this browser can read. Save it as JPEG or PNG.`;
}
