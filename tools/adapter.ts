// In: nothing. Out: the name of the WebGPU adapter that tests in Node will use; exit code 1 when there is none.
import { gpu } from './dawn.ts';

export async function main(): Promise<number> {
  const adapter = await gpu().requestAdapter();
  if (adapter)
    console.log([adapter.info.description, adapter.info.device].find((name) => name !== '') ?? 'unnamed adapter');
  return adapter ? 0 : 1;
}
