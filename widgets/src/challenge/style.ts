/**
 * The styles of the dialog. System colours follow the page's colour scheme, the theme, and forced
 * colours. Browsers without color-mix() ignore mixed colours. The dialog inherits only the font and
 * the colour scheme of the page. --stile-accent and --stile-on-accent work as in the elements.
 */
export const style = `
:host{all:initial!important;font-family:inherit!important;color-scheme:inherit!important}
*{box-sizing:border-box;margin:0}
dialog{width:22em;max-width:94%;margin:auto;padding:1.5em;line-height:1.5;color:CanvasText;background:Canvas;border:1px solid color-mix(in srgb,CanvasText 20%,Canvas);border-radius:.5em}
::backdrop{background:#0009}
h2{font-size:1.25em}
#why{margin:.5em 0 1em;font-size:.9em}
img{display:block;width:100%;height:124px;padding:8px;object-fit:contain;color:#333;background:#fff;border:1px solid color-mix(in srgb,CanvasText 20%,Canvas);border-radius:.5em}
div{display:flex;justify-content:space-between}
label{display:block;margin:.5em 0}
button,input{min-height:44px;padding:.5em;font:inherit;color:inherit;background:0 0;border:1px solid transparent;border-radius:.5em}
[type]{margin:0 -.5em;font-size:.9em;text-decoration:underline}
input{width:100%;font-size:1.4em;letter-spacing:.3em;text-align:center;border-color:color-mix(in srgb,CanvasText 55%,Canvas)}
[role]{min-height:1.5em;margin:.5em 0}
button:not([type]){padding:.5em 1.5em;font-weight:600;color:var(--stile-on-accent,light-dark(#fff,#0c1a24));background:var(--stile-accent,light-dark(#17527a,#94cbee))}
:focus-visible{outline:2px solid;outline-color:var(--stile-accent,light-dark(#17527a,#94cbee));outline-offset:2px}
.busy button{opacity:.6}
@media(max-height:30em){dialog{padding:.5em 1.5em}#why{display:none}}
@media(prefers-reduced-motion:no-preference){dialog{animation:in .2s}}
@keyframes in{0%{opacity:0}}
`
