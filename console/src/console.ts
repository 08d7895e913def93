/** The console's script: copy buttons. The pages work without it. */

for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
  button.hidden = false
  button.addEventListener('click', () => navigator.clipboard.writeText(button.closest('figure')?.querySelector('code')?.textContent ?? ''))
}

export {}
