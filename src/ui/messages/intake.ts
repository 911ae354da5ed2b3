// Every word about what is dropped on the page, in English: where it went, and what was left out and why.
import type { Reason } from '../intake/sort-drop.ts';

const reasons: Record<Reason, string> = {
  raw: 'A camera’s raw file, which no browser shows. Save it as JPEG.',
  archive: 'An archive. Unpack it and drop what is in it.',
  video: 'A video. Save single pictures of it as JPEG or PNG.',
  sound: 'A sound file. Darkroom learns from photos.',
  document: 'A document. Save its pictures as JPEG or PNG.',
  text: 'A text. Captions end in .txt or .caption and are at most 64 kB.',
  settings: 'Settings or other data. Settings can be pasted under Train, Advanced.',
  empty: 'The file is empty. Copy it again from where it came.',
  'empty-folder': 'A folder without files: it is empty, or holds only links, which browsers do not follow.',
  gone: 'It could not be read: it was moved or changed, or the browser may not open it. Drop it again.',
  other: 'Not a photo, a caption, a model or a LoRA.',
  limit: 'More than 500 photos. Remove some to make room for others.',
  'too-many': 'More than 5,000 files at once. What comes from here on was not looked at; drop it by itself.',
  'one-lora': 'Another LoRA. Drop one at a time.',
  'getting-model': 'A model is on its way in already. Drop it again when that is done.',
  'no-photo': 'No photo of this name yet, or more than one. The caption waits for it.',
  'second-caption': 'Its photo has another text beside it, which was taken.',
  'caption-kept': 'Its photo has a caption already, which was kept. Clear that first.',
  'more-lines': 'It has several lines. The first is the caption.',
};

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

export const intake = {
  dropNow: 'Drop photos, captions, a model or a LoRA',
  leftOut: (n: number) => `${count(n, 'file was', 'files were')} left out, or not used whole.`,
  which: 'Which, and why',
  reasons,
  photosAdded: (photos: number, captions: number, training: boolean) =>
    `${photos > 0 ? `${count(photos, 'photo', 'photos')} went` : `${count(captions, 'caption', 'captions')} went`} to Photos.${training ? ' The training goes on without them.' : ''}`,
  modelTaken: 'The checkpoint went to Model, where it is taken in.',
  loraOpened: 'The LoRA went to Compare.',
};
