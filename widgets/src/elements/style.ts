/**
 * The look of the elements. One sheet, shared by all of them.
 *
 * Font and text colour are the page's; every line and shade is mixed from the
 * text's colour, so that it suits any background. What a page may set:
 *
 *   --stile-accent, --stile-on-accent   buttons, chosen things, focus
 *   --stile-text, --stile-muted         text, and the less important
 *   --stile-background, --stile-surface where `theme` is set; the suggestions
 *   --stile-line, --stile-shade         hairlines; empty picture boxes
 *   --stile-mark                        behind words that were looked for
 *   --stile-heading-font                titles
 *   --stile-radius, --stile-gap         corners; the room between items
 *   --stile-image-ratio, --stile-image-fit, --stile-column
 *
 * and by ::part(): the names that dom.ts gives, such as `card` or `title`.
 */
const css = `
:host{display:block;flex:1 1 auto;min-inline-size:min(100%,18em);container-type:inline-size}
:host([hidden]),[hidden]{display:none!important}
*,::before,::after{box-sizing:border-box}
.base{
--a:var(--stile-accent,#17527a);--o:var(--stile-on-accent,#fff);--k:var(--stile-mark,#ffe9a3);
--m:var(--stile-muted,color-mix(in srgb,currentColor 74%,transparent));
--l:var(--stile-line,color-mix(in srgb,currentColor 16%,transparent));
--s:var(--stile-shade,color-mix(in srgb,currentColor 7%,transparent));
--e:color-mix(in srgb,currentColor 48%,transparent);
--r:var(--stile-radius,6px);--g:var(--stile-gap,1.75em);
--q:color-mix(in srgb,var(--a) 45%,transparent);
color:var(--stile-text,inherit);line-height:1.5;text-align:start;overflow-wrap:break-word;outline:0}
@supports (color:light-dark(#000,#fff)){.base{
--a:var(--stile-accent,light-dark(#17527a,#94cbee));--o:var(--stile-on-accent,light-dark(#fff,#0c1a24));--k:var(--stile-mark,light-dark(#ffe9a3,#6a5410))}}
[data-theme=light],[data-theme=dark]{color:var(--stile-text,CanvasText);background:var(--stile-background,Canvas)}
[data-theme=light]{color-scheme:light}
[data-theme=dark]{color-scheme:dark}
h1,h2,h3,h4,h5,h6,p,ul,dl,dd,fieldset,legend{margin:0;padding:0;border:0}
[role=list],[role=listbox]{list-style:none}
a{color:inherit;text-decoration-color:var(--q);text-underline-offset:.18em;text-decoration-thickness:1px}
a:hover{text-decoration-color:var(--a);text-decoration-thickness:2px}
:is(a,button,input,.scroll,[tabindex]):focus-visible{outline:2px solid var(--a);outline-offset:3px;border-radius:2px}
button,input{font:inherit;color:inherit;letter-spacing:inherit}
button{cursor:pointer;background:none;border:0;padding:0;min-block-size:44px}
svg{inline-size:1.25em;block-size:1.25em;flex:none;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
mark{background:var(--k);color:inherit;border-radius:2px;padding-inline:.08em}
.button{display:inline-flex;align-items:center;justify-content:center;gap:.4em;padding-inline:1.1em;border:1px solid var(--e);border-radius:var(--r);font-weight:550;transition:background .15s}
.button:hover:not(:disabled){background:var(--s)}
.button:disabled{color:var(--m);border-color:var(--l);cursor:default;opacity:.55}
.unseen{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}

.items{display:grid;gap:var(--g)}
.items[data-layout=grid]{grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--stile-column,14em)),1fr));row-gap:calc(var(--g)*1.4)}
.card{position:relative;display:flex;min-inline-size:0;gap:1.1em}
[data-layout=list]{gap:0}
[data-layout=list] .card{padding-block:1.35em;border-block-start:1px solid var(--l)}
[data-layout=list] .card:last-child{border-block-end:1px solid var(--l)}
[data-layout=list] .image{inline-size:clamp(5.5em,24cqi,11em);align-self:start}
[data-layout=list] .title{font-size:1.25em}
:is([data-layout=grid],[data-layout=carousel]) .card{flex-direction:column;gap:.85em}
.image{position:relative;flex:none;overflow:hidden;aspect-ratio:var(--stile-image-ratio,3/2);background:var(--s);border-radius:var(--r)}
.image::after{content:"";position:absolute;inset:0;border:1px solid var(--l);border-radius:inherit}
.image img{display:block;inline-size:100%;block-size:100%;object-fit:var(--stile-image-fit,cover);transition:transform .4s}
.card:hover img{transform:scale(1.025)}
.text{flex:1;min-inline-size:0;display:flex;flex-direction:column;gap:.3em}
.title{font-family:var(--stile-heading-font,inherit);font-size:1.15em;font-weight:650;line-height:1.25;letter-spacing:-.01em;text-wrap:balance}
.title .link{text-decoration-color:transparent}
.card:hover .title .link{text-decoration-color:var(--a)}
.title .link::after{content:"";position:absolute;inset:0}
.title .link:focus-visible{outline:0}
.title .link:focus-visible::after{outline:2px solid var(--a);outline-offset:3px;border-radius:var(--r)}
.about{order:-1;font-size:.8125em;line-height:1.4;color:var(--m);display:flex;flex-wrap:wrap;column-gap:.6em}
.about>*+*::before{content:"·";margin-inline-end:.6em}
.collection{font-weight:600;color:var(--a)}
.card .summary{color:var(--m);display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden;max-inline-size:65ch}

.bone{background:var(--s);border-radius:3px;animation:wait 1.6s ease-in-out infinite alternate}
span.bone{display:inline-block;inline-size:min(100%,26em);line-height:1.1}
.about span.bone{inline-size:7em}.title span.bone{inline-size:55%}.summary+.summary span.bone{inline-size:70%}
.bone::after{border-color:transparent}
p.bone{inline-size:9em}
@keyframes wait{to{opacity:.45}}
[aria-busy=true] .items{opacity:.55;transition:opacity .2s .25s}

.message{padding:1.4em 1.5em;border:1px solid var(--l);border-inline-start:3px solid var(--a);border-radius:var(--r);display:grid;gap:.5em;justify-items:start}
.message-title{font-weight:650;font-size:1.1em;line-height:1.3;text-wrap:balance}
.message .button{margin-block-start:.4em}
.code{font-size:.8125em;color:var(--m)}
.note:not(:empty){margin-block-end:1.5em}

.form{display:grid;grid-template-columns:minmax(0,1fr);gap:.45em}
.label{font-weight:600}
.box{position:relative;display:flex;align-items:center;gap:.25em;min-block-size:52px;padding-inline:.95em 4px;border:1px solid var(--e);border-radius:calc(var(--r) + 4px)}
.box:focus-within{border-color:var(--a);box-shadow:0 0 0 1px var(--a)}
.box>svg{color:var(--m)}
.input{flex:1;min-inline-size:0;align-self:stretch;min-block-size:44px;padding-inline:.6em;font-size:max(1.0625em,16px);background:none;border:0}
.input:focus-visible{outline:0}
.input::placeholder{color:var(--m);opacity:1}
.clear{display:grid;place-items:center;inline-size:44px;color:var(--m);border-radius:var(--r)}
.submit{background:var(--a);color:var(--o);border-color:transparent}
.submit:hover:not(:disabled){background:color-mix(in srgb,var(--a) 85%,CanvasText)}
.submit:focus-visible,.clear:focus-visible{outline-offset:1px}
.suggestions{position:absolute;z-index:10;inset-block-start:calc(100% + 6px);inset-inline:-1px;max-block-size:min(24em,60vh);overflow:auto;padding:6px;color:var(--stile-text,CanvasText);background:var(--stile-surface,Canvas);border:1px solid var(--l);border-radius:calc(var(--r) + 4px);box-shadow:0 10px 30px rgb(0 0 0/.16)}
.suggestion{display:flex;align-items:center;justify-content:space-between;gap:1em;min-block-size:44px;padding:.4em .8em;border-radius:var(--r);cursor:pointer}
.suggestion:hover{background:var(--s)}
.suggestion[aria-selected=true]{background:var(--a);color:var(--o)}
.suggestion-collection{font-size:.8125em;opacity:.8;text-align:end}
.suggestion b{font-weight:650}

.count{font-size:1.0625em;font-weight:600;margin-block-end:1em;min-block-size:1.5em}
.content>.count:empty{margin:0;min-block-size:0}
.columns{display:grid;gap:2em}
.main{min-inline-size:0}
.chips{display:flex;flex-wrap:wrap;gap:.5em}
.chips:not(:empty){margin-block-end:1em}
.chip{display:inline-flex;align-items:center;gap:.4em;padding-inline:1em .8em;background:var(--s);border:1px solid var(--l);border-radius:99px;font-size:.9375em}
.chip:hover{border-color:var(--a)}
.chip svg{inline-size:1em;block-size:1em}
.chip.clear{display:inline-block;inline-size:auto;background:none;border-color:transparent;color:inherit;text-decoration:underline;text-underline-offset:.2em}
.disclose{inline-size:100%;justify-content:space-between}
[aria-expanded=true]>svg{transform:rotate(180deg)}
.badge{margin-inline-end:auto;padding-inline:.6em;background:var(--a);color:var(--o);border-radius:99px;font-size:.8125em}
.facets:not(.open)>.facet-panel{display:none}
.facet-panel{display:grid;gap:1.75em;padding-block:1.25em .5em;align-content:start}
.facet-title{font-weight:650;margin-block-end:.35em}
.facet,.facet-label{display:flex;align-items:center;gap:.65em;inline-size:100%}
.facet-label{min-block-size:44px;cursor:pointer}
.facet>span:first-child,.facet-label>span:nth-child(2){flex:1;min-inline-size:0}
.facet>span{padding-block:.2em}
.facet-label:hover>span:nth-child(2){text-decoration:underline;text-decoration-color:var(--a);text-underline-offset:.18em}
.facet input{inline-size:1.15em;block-size:1.15em;margin:0;flex:none;accent-color:var(--a)}
.facet-count{font-size:.875em;color:var(--m);font-variant-numeric:tabular-nums}
.more-values{font-size:.9375em;text-decoration:underline;text-decoration-color:var(--q);text-underline-offset:.2em}
.paging{display:grid;grid-template-columns:1fr auto 1fr;align-items:center;gap:.5em;margin-block-start:1.75em}
.paging>:first-child{justify-self:start}.paging>:last-child{justify-self:end}
.page{color:var(--m);font-size:.9375em}
:is(.previous,.carousel .controls) svg:dir(rtl),.next svg:dir(rtl){transform:scaleX(-1)}
@container (min-width:46em){
.columns.with-facets{grid-template-columns:13.5em minmax(0,1fr);gap:3em}
.with-facets>.facets>.facet-panel{display:grid;padding:0}
.with-facets>.facets>.disclose{display:none}
.facet-label{min-block-size:2.1em;padding-block:.25em;line-height:1.3}
}

.carousel{position:relative}
.controls{display:flex;justify-content:end;gap:.5em;margin-block-end:.75em}
.control{display:grid;place-items:center;inline-size:44px;border:1px solid var(--e);border-radius:50%}
.control:hover{background:var(--s)}
.control:focus-visible{border-radius:50%}
.control[aria-disabled=true]{opacity:.4;cursor:default;background:none}
[data-layout=carousel]{grid-auto-flow:column;grid-auto-columns:min(78%,var(--stile-column,15em));overflow-x:auto;overscroll-behavior-x:contain;scroll-snap-type:x mandatory;scrollbar-width:none;padding:5px;margin:-5px;scroll-padding-inline:5px;scroll-behavior:smooth}
[data-layout=carousel] .card{scroll-snap-align:start}
.waiting [data-layout=carousel]{margin-block-start:calc(44px + .75em - 5px);overflow:hidden}

.item{display:grid;gap:1.75em}
.header{display:grid;gap:.6em}
.item .about{font-size:.9375em}
.item .title{font-size:clamp(1.75em,1.1em + 3cqi,2.75em);line-height:1.12;letter-spacing:-.022em}
.item .header .summary{font-size:clamp(1.1em,1em + .7cqi,1.3em);line-height:1.45;color:var(--m);max-inline-size:38em;text-wrap:pretty}
.item .image{max-block-size:70vh;inline-size:100%}
.body{max-inline-size:68ch;line-height:1.65}
.body>*+*{margin-block-start:1em}
.body :is(h2,h3,h4,h5,h6){margin-block-start:1.8em;line-height:1.25;font-family:var(--stile-heading-font,inherit)}
.body :is(ul,ol){padding-inline-start:1.4em}
.body img{max-inline-size:100%;block-size:auto;border-radius:var(--r)}
.body figure{margin-inline:0}
.body figcaption{font-size:.875em;color:var(--m)}
.body blockquote{margin-inline:0;padding-inline-start:1.1em;border-inline-start:3px solid var(--q)}
.body pre,.scroll{overflow:auto}
.body :is(th,td){padding:.45em .8em .45em 0;border-block-end:1px solid var(--l);text-align:start}
.body table{border-collapse:collapse}
.source .link{font-weight:600}
.attributes{display:grid}

.aside{min-inline-size:0;display:grid;gap:1.5em;align-content:start}
.attribute{display:grid;grid-template-columns:minmax(6em,2fr) 3fr;gap:1em;padding-block:.55em;border-block-start:1px solid var(--l)}
.attribute:last-child{border-block-end:1px solid var(--l)}
.attribute-name{color:var(--m);font-size:.9375em}
.attribute-value{min-inline-size:0;overflow-wrap:anywhere}
.tags{display:flex;flex-wrap:wrap;gap:.5em}
.tag{padding:.2em .8em;border:1px solid var(--l);border-radius:99px;font-size:.875em}
.item .line .bone{inline-size:100%}
.related:not(:empty){margin-block-start:3em;padding-block-start:2em;border-block-start:1px solid var(--l)}
.related-title{font-size:1.35em;margin-block-end:1em;font-weight:650;font-family:var(--stile-heading-font,inherit)}
@container (min-width:46em){.item>.columns{grid-template-columns:minmax(0,1fr) minmax(14em,19em);gap:3.5em}}

@media (prefers-reduced-motion:reduce){*,::before,::after{animation:none!important;transition:none!important;scroll-behavior:auto!important}.card:hover img{transform:none}}
@media (forced-colors:active){.bone{border:1px solid}.suggestion[aria-selected=true]{forced-color-adjust:none;background:Highlight;color:HighlightText}.submit,.badge{border:1px solid}mark{forced-color-adjust:none;background:Mark;color:MarkText}}
`

let shared: CSSStyleSheet | undefined

/** The sheet. It is made once, and not before an element needs it. */
export function sheet(): CSSStyleSheet {
  if (!shared) {
    shared = new CSSStyleSheet()
    shared.replaceSync(css)
  }
  return shared
}
