:- use_module(kb('5_doors/judge'), []).
