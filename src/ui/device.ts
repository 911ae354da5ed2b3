// What the browser says of itself in; which browser it is, and whether it runs on a computer, a phone or a tablet, out. For hints and limits only.

export interface Device {
  kind: 'computer' | 'phone' | 'tablet';
  /** '' where it cannot be told. */
  browser: 'Chrome' | 'Edge' | 'Firefox' | 'Safari' | '';
  /** Apple's engine, under whatever name: it clears what a page stored after a week, and ends pages of about 1.5 GB on phones and tablets. */
  webkit: boolean;
}

/** iPads say that they are a Macintosh; no Macintosh has a touch screen. */
export function deviceOf({ userAgent, maxTouchPoints }: Pick<Navigator, 'userAgent' | 'maxTouchPoints'>): Device {
  const says = (words: RegExp): boolean => words.test(userAgent);
  const iPad = says(/\biPad\b/) || (says(/\bMacintosh\b/) && maxTouchPoints > 1);
  const ios = iPad || says(/\b(iPhone|iPod)\b/);
  const android = says(/\bAndroid\b/);
  const kind = iPad || (android && !says(/\bMobile\b/)) ? 'tablet' : ios || android ? 'phone' : 'computer';
  const browser = says(/\bEdg(A|iOS)?\//)
    ? 'Edge'
    : says(/\b(Firefox|FxiOS)\//)
      ? 'Firefox'
      : says(/\b(Chrome|CriOS)\//)
        ? 'Chrome'
        : says(/\bVersion\/[\d.]+.* Safari\//)
          ? 'Safari'
          : '';
  return { kind, browser, webkit: ios || browser === 'Safari' };
}

/** The one that shows this page. */
export const device: Device = deviceOf(globalThis.navigator ?? { userAgent: '', maxTouchPoints: 0 });
