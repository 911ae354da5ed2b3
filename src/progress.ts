// What a long call says of itself while it works: types that every layer may name.

export type Phase =
  | 'opening-model'
  | 'reading-photos'
  | 'encoding-photos'
  | 'encoding-text'
  | 'preparing-gpu'
  | 'training'
  | 'measuring'
  | 'drawing'
  | 'saving';
export interface Progress {
  phase: Phase;
  done: number;
  total: number;
}
export type OnProgress = (progress: Progress) => void;
