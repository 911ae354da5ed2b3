// The device GPU tests run on: Dawn in Node, WebGPU's default limits (tools/dawn.ts).
export { testDevice } from '../../tools/dawn.ts';
