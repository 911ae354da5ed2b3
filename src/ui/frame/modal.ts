// In: a dialog, as a Svelte attachment. Out: it is open, and a press beside it closes it, as Escape does.
export function modal(dialog: HTMLDialogElement): () => void {
  dialog.showModal();
  // A press on the backdrop is a press on the dialog itself, outside its content.
  const press = (event: MouseEvent) => event.target === dialog && dialog.close();
  dialog.addEventListener('click', press);
  return () => dialog.removeEventListener('click', press);
}
