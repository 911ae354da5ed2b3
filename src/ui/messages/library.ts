// Every word of the Library, in English.
import { count } from '../amounts.ts';

export const library = {
  title: 'Library',
  sub: 'Everything here is stored in this browser only.',
  empty: 'No adapter yet. Train one, or drop any LoRA file to try it here.',
  unfinished: (step: number, of: number) => `A run stopped at step ${count(step)} of ${count(of)}.`,
  unfinishedText: 'Its last saved step is kept.',
  goOn: 'Go to it',
  adapters: 'Adapters',
  pictureOf: (name: string) => `Latest picture with ${name}`,
  noPicture: 'No picture yet',
  facts: (rank: number, size: string, date: string) => `rank ${rank} · ${size} · ${date}`,
  with: (model: string) => `made with ${model}`,
  unknownModel: 'a model that is not here',
  try: 'Try',
  tryOne: (name: string) => `Try ${name}`,
  download: 'Download',
  downloadOne: (name: string) => `Download ${name}`,
  rename: 'Rename',
  renameOne: (name: string) => `Rename ${name}`,
  name: 'Name',
  save: 'Save',
  cancel: 'Cancel',
  delete: 'Delete',
  deleteOne: (name: string) => `Delete ${name}`,
  deleted: (name: string) => `${name} is deleted in ten seconds.`,
  usedBy: (n: number) =>
    n === 0
      ? 'No adapter needs it.'
      : n === 1
        ? '1 adapter needs it to draw.'
        : `${count(n)} adapters need it to draw.`,
  from: (source: string) => `From ${source}.`,
  licence: (name: string) => `Licence: ${name}`,
};
