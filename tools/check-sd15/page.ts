// The check's options in; the same checkpoint on the page itself, in Chromium, out.
import type { Options } from './options.ts';
import type { Row } from './row.ts';

export async function pageCheck(_options: Options): Promise<{ rows: Row[]; report: object }> {
  throw new Error('--page: not here yet');
}
