// Nothing in; TensorFlow.js with its WebGPU backend and the gradients of all ops out. Bundled before it is imported: its packages mix two module kinds.
import '@tensorflow/tfjs-backend-webgpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients';

export * from '@tensorflow/tfjs-core';
