// An adapter as it is listed, and its files.
export type AdapterLayout = 'kohya' | 'diffusers';
/** How a download keeps its numbers. */
export type AdapterNumbers = 'F16' | 'BF16' | 'F32';
export interface AdapterFile {
  name: string; // aawxbc-figurine.safetensors
  bytes: Uint8Array;
}
export interface AdapterInfo {
  adapterId: string;
  name: string;
  identifier: string;
  classNoun: string;
  /** false: no caption that it was trained on said its name, so the name calls nothing. */
  nameTrained?: boolean;
  modelId: string;
  modelVersion?: string; // of the weights its run began with, where that is known
  rank: number;
  moments: number[];
  bestStep: number;
  createdAt: number;
  fileBytes: Record<AdapterLayout, number>; // in the layout's usual numbers
  /** Of a file that was read: tensors that are not applied here. Absent: none. */
  /** Of the text encoder that it was trained with; absent: 1, or nobody said. */
  clipSkip?: number;
  leftOut?: { textEncoder: number; embeddings: number };
}
