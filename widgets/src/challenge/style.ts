/**
 * The dialog's looks. System colours follow the page's scheme, the theme's and
 * forced colours; what is mixed of them is left out by a browser that can't mix.
 * The host takes the page's font and scheme, and nothing else of its styles.
 */
export const style = `
:host{all:initial!important;display:contents!important;font-family:inherit!important;color-scheme:inherit!important}
*{box-sizing:border-box;margin:0}
dialog{width:22em;max-width:calc(100% - 1.5em);margin:auto;padding:1.5em;line-height:1.45;color:CanvasText;background:Canvas;border:1px solid color-mix(in srgb,CanvasText 20%,Canvas);border-radius:.8em}
::backdrop{background:#0009}
h2{font-size:1.25em}
#why{margin:.4em 0 1em;font-size:.9em}
img{display:block;width:100%;height:122px;padding:8px;object-fit:contain;color:#333;background:#fff;border:1px solid color-mix(in srgb,CanvasText 20%,Canvas);border-radius:.5em}
div{display:flex;justify-content:space-between;gap:.5em;margin-bottom:.5em}
button,input{min-height:44px;padding:.3em .8em;font:inherit;color:inherit;background:0 0;border:1px solid transparent;border-radius:.5em}
[type]{padding:.3em 0;text-decoration:underline;text-underline-offset:.25em;cursor:pointer}
input{width:100%;margin:.3em 0 .5em;font-size:1.4em;letter-spacing:.3em;text-align:center;border-color:color-mix(in srgb,CanvasText 55%,Canvas)}
[role]{min-height:2.9em}
button:not([type]){padding:.3em 1.4em;font-weight:600;color:var(--stile-on-accent,Canvas);background:var(--stile-accent,CanvasText)}
:focus-visible{outline:3px solid var(--stile-accent,CanvasText);outline-offset:2px}
.busy button{opacity:.6}
@media(prefers-reduced-motion:no-preference){dialog{animation:in .2s}}
@keyframes in{0%{opacity:0;translate:0 .6em}}
`
