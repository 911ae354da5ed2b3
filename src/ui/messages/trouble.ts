// Every trouble in words, in English: what happened, what was kept and what to do, and the one button.
import type { FileOrigin } from '../../trouble.ts';
import { bytes, count } from '../amounts.ts';
import type { Mishap } from '../state/studio.ts';
import { brokenWeights, notACheckpoint, notAnAdapter } from './checkpoint.ts';
import { momentDamaged, runDamaged } from './damage.ts';
import { outOfMemory } from './memory.ts';
import { otherPhotos, unreadablePhoto } from './photo-trouble.ts';

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
        'WebGPU is switched off here, or this browser does not have it.',
        'It is how a page computes on the graphics card. Chrome and Edge on a computer have it.',
        'How to turn it on',
      );
    case 'not-secure':
      return say(
        'This address may not use the graphics card.',
        `Browsers allow that, and keeping photos and models, only at https addresses and on this computer itself. This is ${mishap.facts.address}.`,
        'What to do',
      );
    case 'no-adapter':
      return say(
        'No graphics card answered.',
        'The browser has WebGPU but offers no card, not even software drawing. It may be turned off in its settings.',
        'How to turn it on',
      );
    case 'graphics-held':
      return say(
        'The browser holds back graphics.',
        `It does so for two minutes after two crashes; reload the page to go on at once. ${mishap.facts.step ? `Step ${count(mishap.facts.step)} is safe.` : 'Nothing you added is lost.'}`,
        mishap.facts.step ? 'Continue' : 'Try again',
      );
    case 'device-lost':
      return mishap.facts.step === undefined
        ? say('The graphics card was reset.', 'Nothing you added is lost. Try again.', 'Try again')
        : say('The graphics card was reset.', `Nothing is lost; step ${count(mishap.facts.step)} is safe.`, 'Continue');
    case 'no-answer':
      return mishap.facts.step === undefined
        ? say('Darkroom stopped answering and was started again.', 'Nothing you added is lost.', 'Try again')
        : say(
            'Training stopped answering and was ended.',
            `Step ${count(mishap.facts.step)} is safe. If it happens again, restart the browser.`,
            'Continue',
          );
    case 'gpu-refused':
      return say(
        'The graphics card refused a part of the work.',
        `What was saved last is good. The browser says: ${mishap.facts.message}`,
        'Try again',
      );
    case 'out-of-memory':
      return outOfMemory(mishap.facts);
    case 'file-damaged':
      return say(
        `“${mishap.facts.file}” is damaged.`,
        `Expected ${mishap.facts.expected}, found ${mishap.facts.got}. ${mishap.facts.origin === 'fetched' ? 'Nothing else is affected.' : 'Get it again from where it came.'}`,
        fetchOrChoose(mishap.facts),
      );
    case 'file-unreadable':
      return say(
        `“${mishap.facts.file}” cannot be read any more.`,
        mishap.facts.origin === 'fetched'
          ? 'The browser has cleared it. Nothing else is affected.'
          : 'It was changed, moved or unplugged since it was chosen. Nothing else is affected.',
        fetchOrChoose(mishap.facts),
      );
    case 'file-missing':
      return say(
        `“${mishap.facts.file}” could not be fetched.`,
        mishap.facts.status
          ? `The server answered ${mishap.facts.status}.`
          : 'You may be offline. What has arrived is kept.',
        'Try again',
      );
    case 'broken-weights':
      return say(...brokenWeights(mishap.facts), 'Choose another');
    case 'not-this-family':
      return say(
        'This is not a Stable Diffusion 1.x or 2.x checkpoint.',
        `${mishap.facts.key}: expected ${mishap.facts.expected}, found ${mishap.facts.got}.`,
        'Choose another',
      );
    case 'photo-unreadable':
      return unreadablePhoto(mishap.facts);
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
        'Choose its model',
      );
    case 'numbers-ran-away':
      if (mishap.facts.overflow)
        return say(
          `16-bit activations overflowed at step ${count(mishap.facts.step)}.`,
          `Back at step ${count(mishap.facts.keptStep)}, the last good one. 32-bit activations (f32) cure it; the learning rate is not to blame.`,
          'Continue with 32 bits',
        );
      return say(
        `The numbers ran away at step ${count(mishap.facts.step)}.`,
        `Back at step ${count(mishap.facts.keptStep)}, the last good one. A lower learning rate usually cures it.`,
        'Continue at half the rate',
      );
    case 'disk-full':
      return say(
        'The disk is full.',
        `${bytes(mishap.facts.neededBytes)} are needed; this browser may store ${bytes(mishap.facts.freeBytes)} more. What is already stored is kept. Delete files on the disk, or models listed here.`,
        'Try again',
      );
    case 'another-tab':
      return say(
        `Another tab is ${mishap.facts.doing ?? 'using the graphics card'}.`,
        'One tab uses the graphics card at a time. You can look around here meanwhile.',
        mishap.facts.doing === 'training' ? null : 'Try again',
      );
    case 'other-photos':
      return otherPhotos(mishap.facts);
    case 'run-damaged':
      return runDamaged(mishap.facts);
    case 'class-prompt':
      return say(
        'The class pictures need a sentence of their own.',
        `“${mishap.facts.prompt}” says the name. Say only what kind of thing it is, like “a photo of a toy”.`,
        'Change it',
      );
    case 'few-class-pictures':
      return say(
        `${mishap.facts.asked} class pictures were asked for; ${mishap.facts.here} are here.`,
        'Add or make the others, or ask for as many as there are.',
        'Change it',
      );
    case 'bad-setting':
      return say(
        `The setting “${mishap.facts.setting}” cannot be used.`,
        `Expected ${mishap.facts.expected}, found ${mishap.facts.got}.`,
        'Reset it',
      );
    case 'download-cut':
      return say(
        mishap.facts.status
          ? `The server refused (${mishap.facts.status}) at ${bytes(mishap.facts.storedBytes)} of ${bytes(mishap.facts.totalBytes)}.`
          : `The connection broke at ${bytes(mishap.facts.storedBytes)} of ${bytes(mishap.facts.totalBytes)}.`,
        'What arrived is kept; it goes on from there. A checkpoint file from your disk works too.',
        'Continue',
      );
    case 'mirror-refused':
      return say(
        `This page may not fetch from ${mishap.facts.host}.`,
        'It speaks only to its own address and to Hugging Face. Open it without “?mirror=”, or ask whoever built it to allow that host.',
        null,
      );
    case 'hash-differs':
      return say(
        `“${mishap.facts.file}” is not the file we expected.`,
        'It was kept aside. Fetch it again, or use it anyway: both on the Model page.',
        'Go to Model',
      );
    case 'model-incomplete':
      return mishap.facts.origin === 'disk'
        ? say(
            'A part of the model is missing.',
            `The browser has cleared ${bytes(mishap.facts.missingBytes)} of it. It was made of a file of yours: open that again.`,
            'Open its file',
          )
        : say('A part of the model is missing.', `${bytes(mishap.facts.missingBytes)} must be fetched.`, 'Fetch it');
    case 'model-busy':
      return say('Another tab is getting this model.', 'Wait for it, or go on there.', 'Try again');
    case 'not-a-checkpoint':
      return say(
        ...notACheckpoint[mishap.facts.kind](mishap.facts.file, mishap.facts.name),
        mishap.facts.kind === 'lora' ? 'Open it under Compare' : 'Choose another',
      );
    case 'not-an-adapter':
      return say(
        ...notAnAdapter[mishap.facts.kind](mishap.facts.file),
        mishap.facts.kind === 'checkpoint' ? 'Open it as a model' : 'Choose another',
      );
    case 'no-model':
      return say(
        'No model is open yet.',
        mishap.facts.file
          ? `“${mishap.facts.file}” is laid over a model. It opens by itself as soon as one is here.`
          : 'It is needed first. What you added is kept.',
        'Choose a model',
      );
    case 'gone':
      if (mishap.facts.damaged) return momentDamaged(mishap.facts.name);
      return say(
        `${mishap.facts.name ? `“${mishap.facts.name}”` : { adapter: 'This adapter', run: 'This run', moment: 'This step', model: 'This model' }[mishap.facts.what]} is not stored here any more.`,
        'It was deleted, perhaps in another tab. Everything else is kept.',
        'Look again',
      );
    case 'busy-training':
      return say(
        'A training is under way.',
        'This has to wait until it is done or stopped. Nothing was changed.',
        'Go to training',
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
  const { reason, format } = mishap.facts;
  return {
    'not-an-image': 'Not an image',
    'other-format': format ? `${format}: save it as JPEG` : 'Not a format this browser shows',
    damaged: 'The file is damaged',
    truncated: 'The file ends early',
    'too-large': 'Too large',
    blank: 'The browser drew nothing of it',
    gone: 'Changed or moved',
    lost: 'Not readable any more',
    unread: 'Not read yet',
  }[reason];
};

const fetchOrChoose = ({ origin }: { origin?: FileOrigin }): string =>
  origin === 'fetched' ? 'Fetch again' : 'Choose another';

const say = (title: string, text: string, button: string | null): TroubleWords => ({ title, text, button });
