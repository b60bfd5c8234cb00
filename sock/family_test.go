package sock

import (
	"errors"
	"syscall"
	"testing"
)

type toyFamily int

func (f toyFamily) Family() int { return int(f) }
func (f toyFamily) Create(typ, protocol int) (*Socket, error) {
	return NewSocket(int(f), typ, protocol, NoOps{}), nil
}

func TestFamilies(t *testing.T) {
	var r Families
	if err := r.Register(toyFamily(44)); err != nil {
		t.Fatal(err)
	}
	if err := r.Register(toyFamily(44)); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("double registration: %v", err)
	}
	if err := r.Register(toyFamily(MaxFamily)); err == nil {
		t.Error("a family out of range was taken")
	}
	for _, c := range []struct {
		fam, typ int
		want     error
	}{{44, TypeDgram, nil}, {43, TypeDgram, syscall.EAFNOSUPPORT}, {-1, 1, syscall.EAFNOSUPPORT}, {44, MaxType, syscall.EINVAL}} {
		if _, err := r.Create(c.fam, c.typ, 0); err != c.want {
			t.Errorf("Create(%d, %d): %v, want %v", c.fam, c.typ, err, c.want)
		}
	}
	s, _ := r.Create(44, TypeDgram, 0)
	if _, err := s.Send(nil, 0); err != syscall.EOPNOTSUPP {
		t.Errorf("NoOps: %v", err)
	}
	r.Unregister(44)
	if _, err := r.Create(44, TypeDgram, 0); err != syscall.EAFNOSUPPORT {
		t.Errorf("after Unregister: %v", err)
	}
}
