"""Names of Python 2, and of libraries of its day: what took their place, by dotted names."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable


def _moved(module: str, to: str, names: str) -> dict[str, str]:
    """Names of a module that are in another now."""
    return {f"{module}.{name}": f"{to}.{name}" for name in names.split()}


def _renamed(module: str, pairs: str) -> dict[str, str]:
    """Names, `old=new`, of a module that has them under others now."""
    return _replaced(module, pairs, f"{module}.")


def _replaced(module: str, pairs: str, to: str = "") -> dict[str, str]:
    """Names, `old=new`, of a module that has them no more."""
    split = [pair.split("=") for pair in pairs.split()]
    return {f"{module}.{old}": f"{to}{new}" for old, new in split}


BUILTINS = {
    "basestring": "str",
    "buffer": "memoryview",
    "long": "int",
    "raw_input": "input",
    "unichr": "chr",
    "unicode": "str",
    "xrange": "range",
}
MOVED_BUILTINS = {
    "intern": "sys.intern",
    "reduce": "functools.reduce",
    "reload": "importlib.reload",
}
# Builtins that become more than another name.
OTHER_BUILTINS = {"apply", "cmp", "coerce", "execfile", "file"}
# Builtins that few give to something of their own.
TELLING_BUILTINS = {"basestring", "execfile", "long", "raw_input", "unichr", "unicode", "xrange"}
PYTHON2_BUILTINS = {*BUILTINS, *MOVED_BUILTINS, *OTHER_BUILTINS}

MODULES = {
    "BaseHTTPServer": "http.server",
    "ConfigParser": "configparser",
    "Cookie": "http.cookies",
    "HTMLParser": "html.parser",
    "Queue": "queue",
    "SimpleHTTPServer": "http.server",
    "SocketServer": "socketserver",
    "StringIO": "io",
    "Tkinter": "tkinter",
    "UserDict": "collections",
    "__builtin__": "builtins",
    "anydbm": "dbm",
    "cPickle": "pickle",
    "cStringIO": "io",
    "cookielib": "http.cookiejar",
    "copy_reg": "copyreg",
    "htmlentitydefs": "html.entities",
    "httplib": "http.client",
    "tkFileDialog": "tkinter.filedialog",
    "urllib2": "urllib.request",
    "urlparse": "urllib.parse",
    "xmlrpclib": "xmlrpc.client",
}
# Their names may be those of modules of the user's, unless the program is known to be Python 2.
LIKELY_MODULES = {"commands": "subprocess", "exceptions": "builtins", "thread": "_thread"}
# Of libraries; they say nothing of Python.
LATER_MODULES = {
    "IPython.core.display": "IPython.display",
    "scipy.ndimage.filters": "scipy.ndimage",
    "scipy.ndimage.interpolation": "scipy.ndimage",
    "scipy.ndimage.measurements": "scipy.ndimage",
    "scipy.ndimage.morphology": "scipy.ndimage",
}

# No Python 3 ever had these.
PYTHON2_MOVED = {
    **_replaced("itertools", "ifilter=filter imap=map izip=zip"),
    **_renamed("itertools", "ifilterfalse=filterfalse izip_longest=zip_longest"),
    **_renamed("os", "getcwdu=getcwd"),
    **_renamed("sys", "maxint=maxsize"),
    **_renamed("string", "letters=ascii_letters lowercase=ascii_lowercase"),
    **_renamed("string", "uppercase=ascii_uppercase"),
    **_replaced("string", "atof=float atoi=int atol=int maketrans=str.maketrans"),
    **_replaced("types", "BooleanType=bool DictType=dict FloatType=float IntType=int"),
    **_replaced("types", "ComplexType=complex SliceType=slice"),
    **_replaced("types", "ListType=list LongType=int ObjectType=object StringType=str"),
    **_replaced("types", "StringTypes=str TupleType=tuple TypeType=type UnicodeType=str"),
    **_moved("urllib", "urllib.parse", "quote quote_plus unquote unquote_plus urlencode"),
    **_moved("urllib", "urllib.request", "URLopener FancyURLopener getproxies pathname2url"),
    **_moved("urllib", "urllib.request", "url2pathname urlcleanup urlopen urlretrieve"),
}
# Python 3 and its libraries had these for some time.
LATER_MOVED = {
    **_renamed("base64", "decodestring=decodebytes encodestring=encodebytes"),
    **_moved("collections", "collections.abc", "Callable Container Hashable Iterable Iterator"),
    **_moved("collections", "collections.abc", "Mapping MutableMapping MutableSequence"),
    **_moved("collections", "collections.abc", "MutableSet Sequence Set Sized"),
    **_moved("cgi", "html", "escape"),
    **_moved("fractions", "math", "gcd"),
    **_replaced("operator", "isCallable=callable"),
    **_renamed("operator", "sequenceIncludes=contains"),
    **_renamed("time", "clock=perf_counter"),
    **_renamed("PIL.Image", "ANTIALIAS=LANCZOS"),
    **_renamed("numpy", "Inf=inf Infinity=inf NAN=nan NaN=nan PINF=inf infty=inf"),
    **_renamed("numpy", "complex_=complex128 float_=float64 string_=bytes_ unicode_=str_"),
    **_renamed("numpy", "alltrue=all cumproduct=cumprod product=prod sometrue=any"),
    **_renamed("numpy", "rank=ndim round_=round row_stack=vstack"),
    **_replaced("sklearn.externals", "joblib=joblib"),
}
MOVED = PYTHON2_MOVED | LATER_MOVED
# `string.join(words, ",")` is `",".join(words)`; of the others, the first argument has the method.
STRING_METHODS = set(
    """capitalize center count expandtabs find index ljust lower lstrip replace rfind rindex rjust
    rsplit rstrip split strip swapcase title translate upper zfill""".split()
)
GONE = {
    "coerce": "convert both by hand",
    "inspect.getargspec": "inspect.getfullargspec gives more, so take its parts by name",
    "itertools.*": "import what you use: izip, imap and ifilter are zip, map and filter",
    "md5": "hashlib.md5 takes bytes",
    "numpy.NINF": "write -np.inf",
    "numpy.asscalar": "write x.item()",
    "numpy.msort": "write np.sort(x, axis=0)",
    "operator.div": "operator.floordiv for integers, operator.truediv for other numbers",
    "os.errno": "import errno",
    "os.path.walk": "write for folder, folders, files in os.walk(top)",
    "os.popen2": "subprocess.run does it",
    "os.popen3": "subprocess.run does it",
    "sets": "set and frozenset are builtins",
    "sha": "hashlib.sha1 takes bytes",
    "string.*": "strings have its functions as methods",
    "sys.exc_clear": "leave it out",
    "sys.exc_type": "sys.exc_info()[0]",
    "sys.exc_value": "sys.exc_info()[1]",
    "types.ClassType": "classes are of type",
    "types.FileType": "io.IOBase is what files are of",
    "types.InstanceType": "every object is of its class",
    "urllib.*": "import what you use, from urllib.request and urllib.parse",
}
# Statements that have no purpose any more.
POINTLESS = {"sys.setdefaultencoding": "text is Unicode"}

DICT_METHODS = {
    f"{prefix}{what}": what for prefix in ("iter", "view") for what in ("items", "keys", "values")
}
# Of functions and methods; they had other names.
ATTRIBUTES = {
    "func_closure": "__closure__",
    "func_code": "__code__",
    "func_defaults": "__defaults__",
    "func_dict": "__dict__",
    "func_doc": "__doc__",
    "func_globals": "__globals__",
    "func_name": "__name__",
    "im_func": "__func__",
    "im_self": "__self__",
}
# Methods that Python calls under another name.
SPECIAL_METHODS = {
    "__div__": "__truediv__",
    "__idiv__": "__itruediv__",
    "__nonzero__": "__bool__",
    "__rdiv__": "__rtruediv__",
    "__unicode__": "__str__",
    "next": "__next__",
}
UNCALLED_METHODS = {
    "__cmp__": "define __eq__ and __lt__, with functools.total_ordering",
    "__coerce__": "define the operators",
    "__delslice__": "__delitem__ gets slices",
    "__getslice__": "__getitem__ gets slices",
    "__hex__": "define __index__",
    "__long__": "define __int__",
    "__oct__": "define __index__",
    "__setslice__": "__setitem__ gets slices",
}
CODECS = {"base64", "bz2", "hex", "hex_codec", "rot13", "rot_13", "zip", "zlib"}


# How programs ask which Python they run in: by a test of its version, or by what is not there.
VERSIONS = re.compile(r"\b(version_info|python_version|hexversion|sys\.version|PY2|PY3)\b")
ABSENCES = ("AttributeError", "ImportError", "ModuleNotFoundError", "NameError")
SHEBANG = re.compile(r"\A(#!.*\bpython)2(\.\d+)?\b")


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Pattern of any of some words."""
    return re.compile(rf"\b(?:{'|'.join(sorted(words))})\b")


def is_builtin(dotted: str) -> bool:
    """Whether a name is a builtin, or an attribute of one, such as "str.maketrans"."""
    return dotted.split(".")[0] in dir(builtins)
