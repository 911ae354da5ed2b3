// In: addresses and a mirror. Out: what the content policy lets a page ask, and that a refused mirror is told as that.
import { describe, expect, test } from 'vitest';
import { contentPolicy, mayAsk, metaPolicy } from '../../src/storage/content-policy.ts';
import { modelLibrary } from '../../src/storage/model-library.ts';
import { never } from './library.ts';

const page = 'https://darkroom.example/a/?mirror=https://files.example/sd15';

describe('the content policy', () => {
  test('speaks of its own origin, the hub and where that redirects to, and of a mirror only by its origin', () => {
    const connect = (mirror?: string) => /connect-src ([^;]*)/.exec(contentPolicy(mirror))?.[1];
    expect(connect()).toBe("'self' https://huggingface.co https://*.huggingface.co https://*.hf.co");
    expect(connect('https://files.example/sd15/')).toBe(`${connect()} https://files.example`);
    expect(contentPolicy()).not.toContain('unsafe-eval;');
    expect(/script-src ([^;]*)/.exec(contentPolicy())?.[1]).toBe("'self' 'wasm-unsafe-eval'");
  });

  test.each(['files.example', 'ftp://files.example/', 'javascript:1', "https://a; script-src 'unsafe-inline'"])(
    'a mirror “%s” is refused or stays an origin',
    (mirror) => {
      const policy = (): string | undefined => /script-src ([^;]*)/.exec(contentPolicy(mirror))?.[1];
      if (URL.canParse(mirror) && new URL(mirror).protocol === 'https:')
        expect(policy()).toBe("'self' 'wasm-unsafe-eval'");
      else expect(policy).toThrow(RangeError);
    },
  );

  test('a <meta> says all but what only a header may', () => {
    expect(contentPolicy()).toContain('frame-ancestors');
    expect(metaPolicy(contentPolicy())).not.toContain('frame-ancestors');
    expect(metaPolicy(contentPolicy())).toContain("base-uri 'none'");
  });

  test.each([
    ['https://darkroom.example/models/x', true],
    ['https://huggingface.co/a/b', true],
    ['https://cas-bridge.xethub.hf.co/x', true],
    ['https://cdn-lfs-us-1.huggingface.co/x', true],
    ['http://huggingface.co/a', false],
    ['https://nothuggingface.co/a', false],
    ['https://hf.co.example/a', false],
    ['https://files.example/sd15/', false],
  ])('%s: %s', (url, may) => {
    expect(mayAsk(new URL(url), page)).toBe(may);
    expect(mayAsk(new URL(url), page, 'https://files.example/')).toBe(may || url.includes('//files.example/'));
  });

  test('a mirror that the page may not ask is told by its host, and nobody is asked', async () => {
    let asked = 0;
    const library = modelLibrary(page, {
      mayAsk: (url) => mayAsk(url, page),
      fetch: async () => {
        asked++;
        return new Response();
      },
    });
    await library.acceptLicence('sd15');
    const refused = { code: 'mirror-refused', facts: { host: 'files.example' } };
    await expect(library.fetch(never, 'sd15', () => {})).rejects.toMatchObject(refused);
    expect(asked).toBe(0);
  });
});
