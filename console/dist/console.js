for(let e of document.querySelectorAll("[data-copy]"))e.hidden=!1,e.addEventListener("click",()=>navigator.clipboard.writeText(e.closest("figure")?.querySelector("code")?.textContent??""));
