// A photo as the user brought it, with what was read from it and what they made of it.
import type { Crop } from './crop.ts';
import type { PhotoReading } from './read-photo.ts';

export interface Photo {
  id: string;
  name: string; // file name
  path?: string; // in what was dropped, where it lay in a folder: captions beside it find it by that
  file: Blob; // the user's own bytes
  reading: PhotoReading;
  crop: Crop;
  caption: string; // '' = the name sentence
  use: boolean;
}
