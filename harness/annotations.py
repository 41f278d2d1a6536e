"""Annotations and signatures of what users write, in which a name may stand for what only a type checker imports.

From Python 3.14 on annotations are evaluated when somebody asks for them (PEP 649). A name that is not there then is left
as a ForwardRef here, where asking plainly would raise NameError.
"""

from __future__ import annotations

import inspect
import sys

if sys.version_info >= (3, 14):
    from functools import partial

    from annotationlib import Format

    annotations_of = partial(inspect.get_annotations, format=Format.FORWARDREF)
    signature_of = partial(inspect.signature, annotation_format=Format.FORWARDREF)
else:
    annotations_of = inspect.get_annotations
    signature_of = inspect.signature
