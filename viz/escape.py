"""Text of any origin as text: nothing in it is markup, an escape, or a control character to whoever reads it next."""

import html

from viz.labels import printable


def escaped(text: str, longest: int = 40) -> str:
    r"""The text for Graphviz's HTML-like labels, in one line.

    Graphviz undoes the HTML entities first and reads backslash escapes (`\N` is the node's id) after that.

    >>> escaped('<b> & "')
    '&lt;b&gt; &amp; &quot;'
    >>> print(escaped(r"\N"))
    \\N
    """
    plain = html.escape(printable(text, longest)).replace("\\", "\\\\")
    return plain or "&#160;"  # an element without text would be a syntax error
