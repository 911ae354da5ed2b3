// Before the first paint, so that a remembered theme never flashes. A file of its own: the content policy allows no script inside the page.
try {
  const theme = localStorage.getItem('darkroom.theme');
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
} catch {}
