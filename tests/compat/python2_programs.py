"""Programs in Python 2: each ends with the value of x, as a comment."""

import ast

TEXT = r"""
x = 0777L, 0777, 0xFFL, 10l, 0L, 00
# (511, 511, 255, 10, 0, 0)

x = ur'\d', UR'\d', ur'\u20ac\\u20ac'
# ('\\d', '\\d', '€\\\\u20ac')

y = 3
x = `y` + `'a'`, 1 <> 2
# ("3'a'", True)

d = {}
exec 'x = 1' in d
x = d['x']
# 1

import sys, cStringIO
f = cStringIO.StringIO()
print >>f, 'a', 1,
print >>f
print >>f, ('b', 2)
x = f.getvalue()
# "a 1 \n('b', 2)\n"

try: raise ValueError, ('a', 2)
except (KeyError, ValueError), e: x = e.args
# ('a', 2)

try: raise ValueError('a', 2)
except ValueError, (y, z):
    x = y, z
# ('a', 2)

import sys
def f():
    try: 1 / 0
    except ZeroDivisionError: raise KeyError, 'm', sys.exc_info()[2]
try: f()
except KeyError, e: x = e.args, sys.exc_info()[2].tb_next is not None
# (('m',), True)

try: raise 'old', 1
except Exception, e: x = e.args
# ('old', 1)

def f(a, (b, (c, d)), (e,)=(5,)):
    'doc'
    return a, b, c, d, e
x = f(1, (2, (3, 4)))
# (1, 2, 3, 4, 5)

x = sorted({1: 'b', 2: 'a'}.items(), key=lambda (k, v): v)
# [(2, 'a'), (1, 'b')]

f = lambda (a, b), (c, (d, e)), g=6: (a, b, c, d, e, g)
x = f((1, 2), (3, (4, 5)))
# (1, 2, 3, 4, 5, 6)

class P: k = 1
f = lambda (k, v): (P.k, dict(k=k), v)
x = f((5, 6))
# (1, {'k': 5}, 6)

if 1:
	x = 1
        x += 1L
# 2

from itertools import izip, imap, ifilter, izip_longest, count
x = list(izip(count(), 'ab')), list(imap(abs, [-1])), list(ifilter(None, [0, 2]))
x += (list(izip_longest([1], [2, 3])),)
# ([(0, 'a'), (1, 'b')], [1], [2], [(1, 2), (None, 3)])

import itertools as it
x = it.imap(abs, it.count(-2)).next(), list(it.ifilterfalse(None, [0]))
# (2, [0])

import urllib, urllib2, urlparse
x = urllib.quote('a b'), urllib.urlencode({'a': 1}), urllib2.unquote('a%20b')
x += (urlparse.urlparse('http://h/p').path,)
# ('a%20b', 'a=1', 'a b', '/p')

import urllib2 as u, urllib as v
x = u.quote('/a b'), v.unquote_plus('a+b'), u.URLError.__name__
# ('/a%20b', 'a b', 'URLError')

from urllib import quote as q, urlencode, urlopen
x = q(' '), urlencode({'b': 2}), callable(urlopen)
# ('%20', 'b=2', True)

import string
x = (string.letters[:2], string.uppercase[0], string.join(['a', 'b'], '-'),
     string.upper('a'), string.replace('aba', 'a', 'c'), string.atoi('3'))
# ('ab', 'A', 'a-b', 'A', 'cbc', 3)

from string import maketrans, letters, split, join
x = 'ab'.translate(maketrans('a', 'c')), letters[0], split('a b'), join(['a', 'b'])
# ('cb', 'a', ['a', 'b'], 'a b')

import os, sys
x = os.getcwdu() == os.getcwd(), sys.maxint > 2 ** 30
# (True, True)

import cPickle, cPickle as p
x = p.loads(cPickle.dumps([1]))
# [1]

import ConfigParser, Queue
q = Queue.Queue(); q.put(1)
x = q.get(), ConfigParser.ConfigParser().sections()
# (1, [])

import types
x = isinstance(u'a', types.StringTypes), types.ListType is list
# (True, True)

from collections import Mapping, OrderedDict
import collections
import Queue
x = isinstance({}, Mapping), isinstance([], collections.Iterable), list(OrderedDict())
# (True, True, [])

import sys
reload(sys)
sys.setdefaultencoding('utf-8')
x = 1
# 1

from StringIO import StringIO
f = StringIO('a')
f.read()
print >>f, 'b'
x = f.getvalue()
# 'ab\n'

import cStringIO, numpy as np, PIL.Image
f = cStringIO.StringIO()
PIL.Image.fromarray(np.zeros([2, 3], 'uint8')).save(f, 'png')
x = PIL.Image.open(cStringIO.StringIO(f.getvalue())).resize((4, 5), PIL.Image.ANTIALIAS).size
# (4, 5)

import base64, StringIO, numpy as np
f = StringIO.StringIO()
np.save(f, np.arange(2))
x = np.load(StringIO.StringIO(f.getvalue())).tolist(), len(base64.b64encode(f.getvalue())) > 99
# ([0, 1], True)

import cPickle
with open('a.pkl', 'w') as f: cPickle.dump([1], f)
with open('a.txt', 'w') as f: f.write('text')
x = cPickle.load(open('a.pkl')), file('a.txt').read()
# ([1], 'text')

import urllib
open('a.txt', 'w').write('a\nb')
x = urllib.urlopen('file:a.txt').read().split('\n')
# ['a', 'b']

x = unicode('a'), isinstance('a', basestring), long('3'), unichr(65), reduce(max, [1, 2])
# ('a', True, 3, 'A', 2)

x = apply(max, (1, 2)), apply(dict, (), {'a': 1}), apply(int)
# (2, {'a': 1}, 0)

open('a.py', 'w').write('y = 4')
d = {}
execfile('a.py', d)
x = d['y']
# 4

x = intern('a'), bytes(buffer(b'ab')[:1])
# ('a', b'a')

d = {1: 2}
x = d.has_key(1), not d.has_key(3), [v for k, v in d.iteritems()], d.keys()[0]
# (True, True, [2], 1)

def f(a, b): return cmp(b, a)
x = (sorted([1, 3, 2], cmp=f), sorted([1, 2], f), sorted([2, 1], cmp),
     sorted([2, 1], cmp=lambda a, b: cmp(a, b), reverse=True))
# ([3, 2, 1], [2, 1], [1, 2], [2, 1])

import numpy as np
x = [np.float32(2), np.float32(1)]
x.sort(cmp)
x.sort(lambda a, b: cmp(b, a))
# [2, 1]

x = map(None, [1], [2, 3]), map(None, (1, 2)), zip('a', 'b')[0], map(abs, [-1])[0]
# ([(1, 2), (None, 3)], [1, 2], ('a', 'b'), 1)

x = filter(None, [0, 1])[0], range(2) + [5], {1: 2}.values()[:1], {1: 2}.items()[-1]
print ''
# (1, [0, 1, 5], [2], (1, 2))

x = {2: 0, 1: 0}.keys()
x.sort()
d = {1: 2}
d.keys().sort()
print ''
# [1, 2]

x = range(3)
del x[0]
x[0], x[1] = 7, 8
print x
# [7, 8]

def f(): pass
x = f.func_name, f.func_defaults
print x
# ('f', None)

w, h = 7, 4
for i in xrange(3): pass
x = w / h, -1 / 2, i / 2, 7 / 2.
# (1, -1, 1, 3.5)

import numpy as np
h, w = np.zeros([7, 4, 3]).shape[:2]
print h
x = h / 2, max(w, 3) / 3
# (3, 1)

class A:
    def __nonzero__(self): return False
    def __div__(self, other): return 'd'
    def next(self): return 4
    def __iter__(self): return self
print ''
x = bool(A()), A() / 2, A().next(), next(iter(A()))
# (False, 'd', 4, 4)

class M(type):
    def __new__(cls, n, b, d): return type.__new__(cls, n, b, dict(d, y=1))
class A(object):
    'doc'
    __metaclass__ = M
class B: __metaclass__ = M
print ''
x = A.y, B.y, A.__doc__
# (1, 1, 'doc')

class A(object):
    def __unicode__(self): return u'u'
x = unicode(A())
# 'u'

d = dict(a=1, b=2)
for k in d.keys():
    if k == 'a': del d[k]
for i, (k, v) in enumerate(d.items()):
    d[k + 'x'], n = v, i
for v in d.values(): d.pop('bx', None)
y = [d.pop(k) for k in d.keys()]
print ''
x = d, y
# ({}, [2])

class A(object): pass
a = A()
a.d = {1: 2}
for k in a.d.keys(): a.d.clear(); a.d.setdefault(k + 1, k)
print ''
x = a.d
# {2: 1}

class Own(Exception): message = 'own'
def said(e, *args):
    try: raise e(*args)
    except (ValueError, Own), error: return error.message
x = said(ValueError, 'm'), said(ValueError, 2), said(ValueError, 1, 2), said(Own, 'm')
# ('m', 2, '', 'own')

try: raise ValueError('m')
except ValueError, e:
    e.message = 'other'
    x = e.message.upper()
# 'OTHER'

x = []
map(x.append, [1, 2])
filter(x.append, 'a')
print ''
# [1, 2, 'a']

d = {'b': 2}
x = [1] == filter(None, [0, 1]), ['b'] == d.keys(), d.items() != [('b', 2)], range(2) == [0, 1]
print 'b' in d.keys()
# (True, True, False, True)

x = None
try: open('no such file')
except (IOError, OSError), e: x = e[0], e[1]
# (2, 'No such file or directory')

def two(items):
    for i, item in enumerate(items):
        if i == 2: raise StopIteration
        yield item
x = list(two('abc'))
print ''
# ['a', 'b']

def named(f):
    def g(): pass
    g.func_name = f.func_name
    return g
@named
def h(): pass
x = h.func_name
print ''
# 'h'

"""


def programs():
    """Sources and values."""
    for program in TEXT.strip("\n").split("\n\n"):
        source, _, value = program.rpartition("\n# ")
        yield f"{source}\n", ast.literal_eval(value)
