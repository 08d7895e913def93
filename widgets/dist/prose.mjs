var a={get(t,n){let e=Reflect.get(Document.prototype,n,t);return typeof e=="function"?e.bind(t):e}},s=t=>new Proxy(t,a),l=new Proxy(document,a);function c(t){let n;return({adoptedStyleSheets:e})=>{n||(n=new CSSStyleSheet,n.replaceSync(t)),e.includes(n)||e.push(n)}}var x=c(`
.header>*{text-align:start}
.header p{justify-self:self-start}
.header .summary{font-size:clamp(1.1em,1em + .7cqi,1.3em);line-height:1.45;max-inline-size:38em}
.aside{display:grid;gap:1.5em;align-content:start}
.tag{padding:.2em .8em;border:1px solid var(--l);border-radius:99px;font-size:.875em}
.body{max-inline-size:68ch;line-height:1.65}
.body>:first-child{margin-block-start:0}
.body img{max-inline-size:100%;block-size:auto}
blockquote{margin-inline:0;padding-inline-start:1.1em;border-inline-start:3px solid var(--l)}
.body,pre{overflow:auto}
table{border-collapse:collapse}
:is(th,td){padding:.45em .8em;padding-inline-start:0;border-block-end:1px solid var(--l);text-align:start}
`),m=new Set("p br hr h1 h2 h3 h4 h5 h6 div span b strong i em u s small sub sup mark abbr cite dfn kbd samp var code pre q blockquote figure figcaption ul ol li dl dt dd ins del time ruby rb rp rt table caption thead tbody tfoot tr th td a img".split(" ")),p="lang dir title datetime start colspan rowspan scope href src alt width height".split(" ");function w(t,n,e){let o=new DocumentFragment;try{o.append(...d(s(new DOMParser().parseFromString(e.html(t),"text/html")).body,n))}catch{}return o}function d(t,n){return[...t.childNodes].flatMap(e=>e instanceof Text?[new Text(e.data)]:e instanceof HTMLElement&&m.has(e.localName)?[u(e,n)]:[])}function u(t,n){let e=/^h(\d)$/.exec(t.localName),o=l.createElement(e?`h${Math.min(6,Math.max(+e[1],n+1))}`:t.localName);for(let r of p){let i=t.getAttribute(r);i!==null&&h(r,i)&&o.setAttribute(r,i)}return o.append(...d(t,n)),o instanceof HTMLAnchorElement&&(o.rel="nofollow noopener"),o instanceof HTMLImageElement&&(o.loading="lazy"),o}function h(t,n){return t==="href"?/^(https?:\/\/|mailto:)/i.test(n):t==="src"?/^https?:\/\//i.test(n):!0}function S(t,n){let e=o=>o.replace(/\s|…$/g,"");return e(t.textContent).startsWith(e(n))}export{x as addStyles,w as prose,S as startsWith};
