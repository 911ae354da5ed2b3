// In: --port N. Out: the page, built if needed, served on localhost until Ctrl-C.
import { parseArgs } from 'node:util';
import { buildIfStale, serve } from './build.ts';

const HELP = `npm start [-- --port N]

Builds Darkroom if a source changed and serves it on this computer (default port 4178, the next free one when it is taken).
Adapters and runs are kept by the browser per address: keep to one port.`;

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { port: { type: 'string', default: '4178' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) return console.log(HELP);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`--port wants a number from 0 to 65535, not "${values.port}"`);
  await buildIfStale(console.log);
  const { url, close } = await serve({ port });
  console.log(`Darkroom is at ${url} (Ctrl-C ends it)`);
  await new Promise<void>((ended) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended());
  });
  await close();
}
