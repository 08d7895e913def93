/**
 * The styles of the elements, in one style sheet that they share.
 *
 * Font and text colour are inherited from the page. Lines and shades are mixed from the text
 * colour, so that they suit any background. The other colours are mixed from system colours, which
 * adapt to light and dark. A page can set these custom properties:
 *
 *   --stile-accent, --stile-on-accent   buttons, selected values, focus
 *   --stile-text, --stile-muted         text; less important text
 *   --stile-background, --stile-surface background if `theme` is set; the suggestions
 *   --stile-line, --stile-shade         lines; empty picture boxes
 *   --stile-mark                        background of search terms
 *   --stile-heading-font                titles
 *   --stile-radius, --stile-gap         corners; the space between items
 *   --stile-image-ratio, --stile-image-fit, --stile-column
 *
 * It can also use ::part() with the names of parts, such as `card` or `title`.
 */
const css = `
:host{display:block;flex:1 1 auto;min-inline-size:min(100%,18em);container-type:inline-size}
:host(stile-search){margin-block-end:1.5em}
:host(stile-search:focus-within){position:relative;z-index:10}
:host([hidden]),[hidden]{display:none!important}
*,::after{box-sizing:border-box}
.base{
--a:var(--stile-accent,color-mix(in srgb,CanvasText 25%,color-mix(in srgb,LinkText 45%,#188)));--o:var(--stile-on-accent,Canvas);--k:var(--stile-mark,color-mix(in srgb,gold 40%,Canvas));
--m:var(--stile-muted,color-mix(in srgb,currentColor 74%,transparent));
--l:var(--stile-line,color-mix(in srgb,currentColor 16%,transparent));
--s:var(--stile-shade,color-mix(in srgb,currentColor 7%,transparent));
--e:color-mix(in srgb,currentColor 48%,transparent);
--r:var(--stile-radius,6px);--g:var(--stile-gap,1.75em);
color:var(--stile-text,inherit);line-height:1.5;text-align:start;overflow-wrap:break-word;outline:0}
.base:is([data-theme=light],[data-theme=dark]){color:var(--stile-text,CanvasText);background:var(--stile-background,Canvas);color-scheme:light;padding:1.25em;border-radius:var(--r)}
.base[data-theme=dark]{color-scheme:dark}
[part],.message p{margin:0;padding:0;border:0;min-inline-size:0}
[role]{list-style:none}
a{color:inherit;text-decoration-color:var(--e);text-decoration-thickness:1px;text-underline-offset:.2em}
a:hover{text-decoration-color:var(--a);text-decoration-thickness:2px}
:focus-visible{outline:2px solid var(--a);outline-offset:2px}
button,input{font:inherit;color:inherit}
button{cursor:pointer;background:none;min-block-size:44px}
svg{inline-size:1.25em;block-size:1.25em;flex:none;fill:none;stroke:currentColor;stroke-width:1.75}
mark{background:var(--k);color:inherit;color:rgb(from currentColor r g b/1);border-radius:2px}
[inert]{overflow:hidden}
.button,.control{display:inline-flex;align-items:center;justify-content:center;gap:.4em;min-block-size:44px;padding-inline:1em;border:1px solid var(--e);border-radius:var(--r);white-space:nowrap}
.button,.label,.count,.source,.collection,.facet-title,.message-title{font-weight:600}
.about,.code,.page,.facet-count,.suggestion-collection,dt{font-size:.875em;color:var(--m)}
:is(.button,.control,.suggestion):hover{background:var(--s)}
:disabled,[aria-disabled=true]{opacity:.45;cursor:default}
.sr-only{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%)}
p,h1,h2,h3,h4,h5,h6,dt,dd,th,td,.body li,.tag,.facet-name,.suggestion>span{unicode-bidi:plaintext;text-align:-webkit-match-parent;text-align:match-parent}
.items{display:grid;gap:var(--g)}
[data-layout=grid]{grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--stile-column,14em)),1fr));row-gap:calc(var(--g)*1.4)}
.card{position:relative;display:flex;gap:.85em 1.1em;flex-direction:column}
.items:empty{display:none}
[data-layout=list]{gap:0;border-block-end:1px solid var(--l)}
[data-layout=list] .card{flex-direction:row;padding-block:1.35em;border-block-start:1px solid var(--l)}
[data-layout=list] .image{inline-size:clamp(5.5em,24cqi,11em);align-self:start}
.image{position:relative;flex:none;overflow:hidden;aspect-ratio:var(--stile-image-ratio,3/2);background:var(--s);border-radius:var(--r)}
.image::after{content:"";position:absolute;inset:0;border:1px solid var(--l);border-radius:inherit}
.image img{display:block;inline-size:100%;block-size:100%;object-fit:var(--stile-image-fit,cover)}
.text{flex:1;display:flex;flex-direction:column;gap:.3em}
.title,.related-title{font-family:var(--stile-heading-font,inherit);font-size:1.2em;font-weight:650;line-height:1.25;letter-spacing:-.01em;text-wrap:balance}
.title a{text-decoration-color:transparent}
.card:hover .title a{text-decoration-color:var(--a)}
.title a::after{content:"";position:absolute;inset:0}
.card:has(:focus-visible){outline:2px solid var(--a);border-radius:2px}
.title a{outline:0}
.about{order:-1;display:flex;flex-wrap:wrap;column-gap:.9em}
.collection{color:var(--a)}
.summary{color:var(--m)}
.card .summary{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden;max-inline-size:65ch}

.bone{background:var(--s);border-color:transparent;border-radius:3px;animation:wait 1.6s infinite alternate}
span.bone{display:block;inline-size:90%;max-inline-size:26em;background:linear-gradient(var(--s) 0 0) 0/100% 75% no-repeat}
.about .bone{inline-size:7em}
.title .bone{inline-size:50%}
@keyframes wait{to{opacity:.45}}
[aria-busy=true]:not([inert]) .items{opacity:.55}

.message{padding:1.5em;border:1px solid var(--l);border-inline-start:3px solid var(--a);border-radius:var(--r);display:grid;gap:.5em;justify-items:start}
.note:not(:empty){margin-block-end:1.5em}

.form{display:grid;grid-template-columns:minmax(0,1fr);gap:.45em}
.box{position:relative;display:flex;align-items:center;min-block-size:52px;padding-inline:1em 4px;border:1px solid var(--e);border-radius:calc(var(--r) + 4px)}
.box:focus-within{border-color:var(--a);box-shadow:0 0 0 1px var(--a)}
.input{flex:1;min-block-size:44px;padding-inline:.6em;font-size:max(1.0625em,16px);background:none;outline:0}
.input::placeholder{color:var(--m);opacity:1}
.clear{display:grid;place-items:center;inline-size:44px}
:placeholder-shown+.clear{display:none}
.box .submit{background:var(--a);color:var(--o);border:0}
.suggestions{position:absolute;z-index:10;inset-block-start:calc(100% + 6px);inset-inline:-1px;max-block-size:min(24em,60vh);overflow:auto;padding:6px;color:var(--stile-text,CanvasText);background:var(--stile-surface,Canvas);border:1px solid var(--l);border-radius:inherit;box-shadow:0 10px 30px rgb(0 0 0/.16)}
.suggestion{display:flex;align-items:center;justify-content:space-between;gap:1em;min-block-size:44px;padding:.4em .8em;border-radius:var(--r);cursor:pointer}
.suggestion[aria-selected=true]{background:var(--a)}
[aria-selected=true],[aria-selected=true] *{color:var(--o)}

.count{min-block-size:1.5em}
.columns{display:grid;grid-template-columns:minmax(0,1fr);gap:2em}
.tags{display:flex;flex-wrap:wrap;gap:.5em}
.disclose{inline-size:100%;justify-content:space-between}
[aria-expanded=true]>svg{transform:rotate(180deg)}
.badge{margin-inline-end:auto;padding-inline:.6em;background:var(--a);color:var(--o);border-radius:99px}
.facets:not(.open)>.facet-panel{display:none}
.facet-panel{display:grid;gap:1.75em;padding-block:1.25em .5em;align-content:start}
.facet-title{margin-block-end:.35em}
.facet,.facet-label{display:flex;align-items:center;gap:.65em;flex:1;line-height:1.3}
.facet-label{min-block-size:44px;cursor:pointer}
.facet-name{flex:1;padding-block:.25em}
.facet-label:hover .facet-name,.more-values{text-decoration:underline;text-underline-offset:.2em}
.facet input{inline-size:1.15em;block-size:1.15em;margin:0;accent-color:var(--a)}
.paging{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.5em;margin-block-start:1.75em}
:is(.paging,.controls) svg:dir(rtl){transform:scaleX(-1)}

.controls{display:flex;min-block-size:44px;justify-content:end;gap:.5em;margin-block-end:.75em}
[data-layout=carousel]{grid-auto-flow:column;grid-auto-columns:min(78%,var(--stile-column,15em));overflow-x:auto;padding:5px;margin:-5px}

.item{display:grid;gap:1.75em}
.header{display:grid;gap:.6em}
.header .title{font-size:clamp(1.75em,1.1em + 3cqi,2.75em);line-height:1.12;letter-spacing:-.022em}
.item>.image{max-block-size:min(60vh,27em);inline-size:100%}
.attributes{border-block-end:1px solid var(--l)}
.attribute{display:grid;grid-template-columns:minmax(6em,2fr) 3fr;gap:1em;padding-block:.55em;border-block-start:1px solid var(--l)}
.attribute-value{overflow-wrap:anywhere}
.related:not(:empty){margin-block-start:3em;padding-block-start:2em;border-block-start:1px solid var(--l)}
.related-title{margin-block-end:1em}
@container (max-width:24em){.paging .page{order:1;inline-size:100%;text-align:center}}
.card .attributes{display:flex;flex-wrap:wrap;gap:.1em 1em;border:0;font-size:.875em}
.card .attribute{display:flex;gap:.4em;padding:0;border:0}
.head{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.5em;margin-block-end:1em}
.facet-lists,.ranges{display:contents}
@container (min-width:46em){
.with-facets{grid-template-columns:13.5em minmax(0,1fr);gap:3em}
.with-facets .facet-panel.facet-panel{display:grid;padding:0}
.with-facets .disclose{display:none}
.facet-label{min-block-size:2.1em}
.item>.columns{grid-template-columns:minmax(0,1fr) minmax(14em,19em);gap:3.5em}
}
@media (prefers-reduced-motion:reduce){*{animation:none!important}}
@media (forced-colors:active){.bone,.box .submit{border:1px solid}[aria-selected=true].suggestion,mark{forced-color-adjust:none;background:Highlight;color:HighlightText}}
`

let shared: CSSStyleSheet | undefined

/** Returns the style sheet. It is created when the first element needs it. */
export function sheet(): CSSStyleSheet {
  if (!shared) {
    shared = new CSSStyleSheet()
    shared.replaceSync(css)
  }
  return shared
}
