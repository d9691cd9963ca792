use super::*;

fn read(html: &str) -> String {
    to_markdown(html, &Url::parse("https://example.com/docs/").unwrap()).1
}

#[test]
fn paragraphs_and_headings_stand_apart() {
    assert_eq!(
        read("<h1>One</h1>\n<p>two\n  three</p><h3> Four </h3><div>five</div><div>six</div>"),
        "# One\n\ntwo three\n\n### Four\n\nfive\nsix"
    );
}

#[test]
fn links_are_absolute_and_emphasis_stays() {
    assert_eq!(
        read("See <a href='../a?b=1&amp;c'>the <b>bold</b> one</a>, <i>now</i> <code>x  y</code>."),
        "See [the **bold** one](https://example.com/a?b=1&c), *now* `x y`."
    );
    assert_eq!(read("<a href='javascript:alert(1)'>no link</a> <a href='/x'> </a>end"), "no link end");
    assert_eq!(read("<a href=/1>one <a href=/2>two</a>"), "[one](https://example.com/1) [two](https://example.com/2)");
}

#[test]
fn a_card_in_a_link_is_one_line() {
    assert_eq!(
        read("<a href=/x><h2>Title</h2><p>Text</p></a><p>next</p>"),
        "## [Title Text](https://example.com/x)\n\nnext"
    );
}

#[test]
fn lists_nest_and_count() {
    assert_eq!(
        read("<p>a</p><ul><li>b<ol start=3><li>c</li><li><a href=/d>d</a></li></ol></li><li>e</ul><p>f"),
        "a\n\n- b\n  3. c\n  4. [d](https://example.com/d)\n- e\n\nf"
    );
}

#[test]
fn code_keeps_its_lines_and_spaces() {
    assert_eq!(
        read("<p>a<pre><code>fn x() {\n    1 &lt; 2\n}\n</code></pre>b"),
        "a\n\n```\nfn x() {\n    1 < 2\n}\n\n```\n\nb"
    );
}

#[test]
fn quotations_are_marked_on_every_line() {
    assert_eq!(read("<p>a</p><blockquote><p>b</p><p>c</p></blockquote><p>d</p>"), "a\n\n> b\n>\n> c\n\nd");
}

#[test]
fn tables_are_lines_of_cells() {
    assert_eq!(
        read("<table><tr><th>a</th><th>b</th></tr><tr><td>1<td></td><td><a href=/x>2</a></tr></table>"),
        "| a | b\n| 1 | | [2](https://example.com/x)"
    );
}

#[test]
fn what_nobody_reads_is_left_out() {
    let html = "<head><title>A &amp;\n B</title><style>p{}</style><script>if (a<b) '</p>'</script></head>\
        <nav><nav>x</nav>y</nav><svg><title>icon</title></svg>text<!-- comment -->";
    let (title, text) = to_markdown(html, &Url::parse("https://example.com/").unwrap());
    assert_eq!((title.as_deref(), text.as_str()), (Some("A & B"), "text"));
}

#[test]
fn images_are_their_description() {
    assert_eq!(read("a <img src=p.png alt='a dog'> <img src=q.png>b"), "a ![a dog](https://example.com/docs/p.png) b");
}

#[test]
fn tags_that_do_not_match_do_no_harm() {
    assert_eq!(read("</ul></blockquote></pre><b>a</i></b></td>b<li>c"), "**a**b\n- c");
    assert_eq!(read("<b><a href=/x>one</b></a> two"), "**one** two");
}
