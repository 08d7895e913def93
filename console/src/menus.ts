import {at} from './dom'

/** Closes an open menu when the person clicks elsewhere, or presses Escape. */
export function menus(): void {
  const open = () => document.querySelectorAll<HTMLDetailsElement>('details.menu[open]')
  document.addEventListener('click', event => {
    for (const menu of open()) if (at(event, 'details.menu') !== menu) menu.open = false
  })
  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return
    for (const menu of open()) {
      const inside = menu.contains(document.activeElement)
      menu.open = false
      if (inside) menu.querySelector('summary')?.focus()
    }
  })
}
