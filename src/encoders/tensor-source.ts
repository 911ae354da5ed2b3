// Kept for the encoders' imports: the type lives with the tensors.
export type { TensorSource } from '../tensor/tensor-source.ts';
